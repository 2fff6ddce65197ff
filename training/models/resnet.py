"""The residual network for small pictures: K. He et al., "Deep residual learning", 2015, section 4.2."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes


class Block(nn.Module):
    """Two convolutions whose answer is added to what came in; begins by passing that on unchanged."""

    def __init__(self, before: int, after: int, *, stride: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(before, after, 3, stride=stride, padding=1, bias=False)
        self.first_norm = nn.BatchNorm2d(after)
        self.second = nn.Conv2d(after, after, 3, padding=1, bias=False)
        self.second_norm = nn.BatchNorm2d(after)
        nn.init.zeros_(self.second_norm.weight)
        self.short_cut = nn.Sequential()
        if before != after:
            self.short_cut.append(nn.Conv2d(before, after, 1, stride=stride, bias=False))
            self.short_cut.append(nn.BatchNorm2d(after))

    def forward(self, maps: Tensor) -> Tensor:
        found = F.relu(self.first_norm(self.first(maps)))
        return F.relu(self.short_cut(maps) + self.second_norm(self.second(found)))


class ResNet(nn.Module):
    """A first convolution, stages of blocks that halve the side from the second on, the mean of every map, scores."""

    def __init__(self, shapes: Shapes, *, widths: Sequence[int], blocks: int, kernel: int, stride: int) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(shapes.channels, widths[0], kernel, stride=stride, padding=kernel // 2, bias=False),
            nn.BatchNorm2d(widths[0]),
            nn.ReLU(),
        )
        self.blocks = nn.Sequential()
        before = widths[0]
        for stage, after in enumerate(widths):
            for block in range(blocks):
                self.blocks.append(Block(before, after, stride=2 if stage and block == 0 else 1))
                before = after
        self.head = nn.Linear(before, shapes.outputs)

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores (B, classes) of pictures (B, C, H, W)."""
        maps = self.blocks(self.stem(pictures))
        scores: Tensor = self.head(maps.mean(dim=(2, 3)))
        return scores
