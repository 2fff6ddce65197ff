"""A small convolutional network for pictures, made to learn in few passes on little hardware.

Layers and start values follow the speed records on CIFAR-10: K. Jordan, "94% on CIFAR-10 in 3.29 seconds on a single
GPU", 2024, https://arxiv.org/abs/2404.00498.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes


class Whitening(nn.Module):
    """A fixed convolution whose answers over natural patches are uncorrelated and of equal strength; stands first.

    Every direction comes twice, with both signs, because the activation behind it cuts one of them off.
    """

    filters: Tensor

    def __init__(self, channels: int, filters: int, *, kernel: int, stride: int) -> None:
        super().__init__()
        self.kernel, self.stride = kernel, stride
        self.register_buffer("filters", torch.randn(filters, channels, kernel, kernel) / kernel)
        self.bias = nn.Parameter(torch.zeros(filters))

    def forward(self, pictures: Tensor) -> Tensor:
        return F.conv2d(pictures, self.filters, self.bias, stride=self.stride)

    @torch.no_grad()
    def learn(self, pictures: Tensor, noise: float = 5e-4) -> None:
        """Set the filters to the strongest principal directions of the pictures' patches, scaled to variance 1.

        `pictures` (N, C, H, W) are normalised; `noise` keeps directions that hardly occur from being blown up.
        """
        patches = F.unfold(pictures, self.kernel, stride=max(1, self.kernel // 2)).transpose(1, 2).flatten(0, 1)
        strengths, directions = torch.linalg.eigh((patches.T @ patches / len(patches)).double())
        whitened = (directions / (strengths.clamp_min(0) + noise).sqrt()).T.flip(0)[: len(self.filters) // 2]
        both = torch.cat([whitened, -whitened]).float()
        self.filters.copy_(both.view_as(self.filters))


class Convolution(nn.Module):
    """Filters that begin by passing their input on, then batch normalisation with a learnt offset."""

    def __init__(self, before: int, after: int) -> None:
        super().__init__()
        self.filters = nn.Conv2d(before, after, 3, padding=1, bias=False)
        nn.init.dirac_(self.filters.weight[:before])
        self.norm = nn.BatchNorm2d(after, momentum=0.2, affine=False)
        self.offset = nn.Parameter(torch.zeros(after, 1, 1))

    def forward(self, maps: Tensor, *, halve: bool = False) -> Tensor:
        maps = self.filters(maps)
        return F.gelu(self.norm(_halved(maps) if halve else maps) + self.offset)


class Stage(nn.Module):
    """One convolution to a new width, often at half the side, then more of that width."""

    def __init__(self, before: int, after: int, *, halve: bool, depth: int) -> None:
        super().__init__()
        self.halve = halve
        self.entry = Convolution(before, after)
        self.rest = nn.Sequential(*(Convolution(after, after) for _ in range(depth - 1)))

    def forward(self, maps: Tensor) -> Tensor:
        found: Tensor = self.rest(self.entry(maps, halve=self.halve))
        return found


class SpeedNet(nn.Module):
    """Whitening, stages that halve the side, the strongest answer of every filter, scores."""

    def __init__(
        self,
        shapes: Shapes,
        *,
        stem: int,
        kernel: int,
        stride: int,
        stages: Sequence[tuple[int, bool]],
        depth: int,
        head_scale: float = 1 / 9,
    ) -> None:
        """`stages` says for each stage how wide it is and whether it halves the side."""
        super().__init__()
        self.whitening = Whitening(shapes.channels, stem, kernel=kernel, stride=stride)
        self.stages = nn.Sequential()
        before = stem
        for width, halve in stages:
            self.stages.append(Stage(before, width, halve=halve, depth=depth))
            before = width
        self.head = nn.Linear(before, shapes.outputs, bias=False)
        nn.init.normal_(self.head.weight)
        self.head_scale = head_scale

    def learn_first_layer(self, pictures: Tensor) -> None:
        """Compute the first layer from normalised pictures (N, C, H, W) of the train part."""
        self.whitening.learn(pictures)

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores (B, classes) of pictures (B, C, H, W), of any size that is not tiny."""
        maps: Tensor = self.stages(F.gelu(self.whitening(pictures)))
        scores: Tensor = self.head(maps.amax(dim=(2, 3))) * self.head_scale
        return scores


def _halved(maps: Tensor) -> Tensor:
    """Maximum over squares of two by two; a side of one stays one."""
    return F.max_pool2d(maps, (min(2, maps.size(2)), min(2, maps.size(3))))
