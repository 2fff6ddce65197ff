"""Pretrained networks for pictures of any Hugging Face folder with a fresh output layer."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

from torch import Tensor, nn
from torch.nn import functional as F

from training.models.pretrained_pictures import load_with_fresh_outputs

Trained: TypeAlias = Literal["all", "head"]


class PretrainedVision(nn.Module):
    """Normalised pictures (B, C, H, W) to class scores (B, outputs); grey ones count as coloured.

    Models that know one size only see the picture stretched to it.
    """

    def __init__(self, folder: Path, outputs: int, *, trained: Trained) -> None:
        super().__init__()
        self.network = _load(folder, outputs)
        self.is_frozen = trained == "head"
        if self.is_frozen:
            self._body().requires_grad_(False)
        self.side = int(getattr(self.network.config, "image_size", 0) or 0)
        self.channels = int(getattr(self.network.config, "num_channels", 3))

    def forward(self, pictures: Tensor) -> Tensor:
        seen = pictures.expand(-1, self.channels, -1, -1) if pictures.size(1) == 1 else pictures
        if self.side and seen.shape[-2:] != (self.side, self.side):
            seen = F.interpolate(seen, (self.side, self.side), mode="bilinear", antialias=True)
        scores: Tensor = self.network(pixel_values=seen).logits
        return scores

    def train(self, mode: bool = True) -> PretrainedVision:
        """Switch dropout on or off; a frozen network always looks without."""
        super().train(mode)
        if self.is_frozen:
            self._body().eval()
        return self

    def _body(self) -> nn.Module:
        """The network without its output layer."""
        body = self.network.base_model
        assert isinstance(body, nn.Module)
        return body


def _load(folder: Path, outputs: int) -> nn.Module:
    from transformers import AutoModelForImageClassification

    families = "ViT, ResNet, ConvNeXT, Swin or MobileNet families"
    return load_with_fresh_outputs(
        AutoModelForImageClassification, folder, outputs, cannot="sort pictures", choose=families
    )
