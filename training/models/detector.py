"""A compact one-stage detector: Z. Tian et al., "FCOS", 2019, https://arxiv.org/abs/1904.01355, with one level."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.speednet import Convolution, Stage, Whitening

FIRST_GUESS = 0.01
"""How likely a thing is at any place before anything is learnt: keeps the many empty places quiet at the start."""


class Detector(nn.Module):
    """The speed net's stages at strides 8, 16 and 32, joined at stride 8, and for each place classes and a box."""

    def __init__(self, *, channels: int, classes: int, width: int, stride: int) -> None:
        super().__init__()
        self.classes, self.stride = classes, stride
        stem = 2 * min(16 * channels, 24)
        self.whitening = Whitening(channels, stem, kernel=4, stride=4)
        widths = [width, 2 * width, 4 * width]
        self.stages = nn.ModuleList(
            Stage(before, after, halve=True, depth=2) for before, after in zip([stem, *widths], widths, strict=False)
        )
        self.sides = nn.ModuleList(nn.Conv2d(after, 2 * width, 1) for after in widths)
        self.joined = Convolution(2 * width, 2 * width)
        self.head = nn.Conv2d(2 * width, classes + 4, 1)
        nn.init.zeros_(self.head.weight)
        quiet = math.log(FIRST_GUESS / (1 - FIRST_GUESS))
        self.head.bias = nn.Parameter(torch.tensor([quiet] * classes + [0.0] * 4))

    def learn_first_layer(self, pictures: Tensor) -> None:
        """Compute the first layer from normalised pictures (N, C, H, W) of the train part."""
        self.whitening.learn(pictures)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Class scores (B, places, classes) and boxes (B, places, 4) in pixels, place by place, row by row."""
        maps = F.gelu(self.whitening(pictures))
        levels = []
        for stage, side in zip(self.stages, self.sides, strict=True):
            maps = stage(maps)
            levels.append(side(maps))
        joined = levels[0]
        for level in levels[1:]:
            joined = joined + F.interpolate(level, joined.shape[-2:], mode="nearest")
        said = self.head(self.joined(joined)).permute(0, 2, 3, 1)
        reach = said[..., self.classes :].clamp(-4, 4).exp() * 4 * self.stride
        return said[..., : self.classes].flatten(1, 2), self._boxes(reach).flatten(1, 2)

    def places(self, rows: int, columns: int) -> Tensor:
        """Where the network looks, across and down in pixels: (rows, columns, 2)."""
        device = self.head.weight.device
        down, across = torch.meshgrid(
            torch.arange(rows, device=device), torch.arange(columns, device=device), indexing="ij"
        )
        return (torch.stack([across, down], dim=-1) + 0.5) * self.stride

    def _boxes(self, reach: Tensor) -> Tensor:
        """From distances to the left, top, right and bottom edge (B, rows, columns, 4) to corners."""
        places = self.places(*reach.shape[1:3])
        return torch.cat([places - reach[..., :2], places + reach[..., 2:]], dim=-1)
