"""A small Vision Transformer with the simplifications of L. Beyer et al., "Better plain ViT baselines", 2022."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes


class ViT(nn.Module):
    """Patches with fixed sines for their place, layers of attention that normalise first, the mean patch, scores."""

    places: Tensor

    def __init__(self, shapes: Shapes, *, patch: int, width: int, layers: int, heads: int) -> None:
        super().__init__()
        self.patch = patch
        rows, columns = -(-shapes.height // patch), -(-shapes.width // patch)
        self.patches = nn.Conv2d(shapes.channels, width, patch, stride=patch)
        self.register_buffer("places", _sines(rows, columns, width), persistent=False)
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                width, heads, 2 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
            )
            for _ in range(layers)
        )
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, shapes.outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores (B, classes) of pictures (B, C, H, W)."""
        height, width = pictures.shape[-2:]
        whole = F.pad(pictures, (0, -width % self.patch, 0, -height % self.patch))
        tokens = self.patches(whole).flatten(2).transpose(1, 2) + self.places
        for layer in self.layers:
            tokens = layer(tokens)
        scores: Tensor = self.head(self.norm(tokens).mean(dim=1))
        return scores


def _sines(rows: int, columns: int, width: int) -> Tensor:
    """Sines and cosines of row and column in a quarter of the width each: (rows × columns, width)."""
    rates = 10_000.0 ** -torch.linspace(0, 1, width // 4)
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    angles = [place.flatten()[:, None] * rates for place in (row, column)]
    return torch.cat([wave(angle) for angle in angles for wave in (torch.sin, torch.cos)], dim=1)
