"""A network that scales a table's numbers by itself, so that it reads the same rows as trees do."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.architectures import Shapes
from training.tabular.reading import RowReading
from training.tabular.tables import Scaling


class Scaled(nn.Module):
    """Plain numbers (B, n), gaps as NaN, and category codes to a network's scores, scaled as its own table was.

    Does to tensors what `TableEncoding.encode` does to rows: column by column a number, then whether it was there
    if the train part has gaps; without the slanting axes that are made for trees.
    """

    fill: Tensor
    scale: Tensor
    kept: Tensor
    """Of value and presence of each column, which the network reads: bool (2 n,)."""

    def __init__(self, network: nn.Module, numbers: int, scaling: Scaling) -> None:
        super().__init__()
        self.network, self.is_clipped = network, scaling == "robust"
        self.register_buffer("fill", torch.zeros(numbers, dtype=torch.float64))
        self.register_buffer("scale", torch.ones(numbers, dtype=torch.float64))
        self.register_buffer("kept", torch.tensor([True, False] * numbers))

    def take_scales(self, reading: RowReading) -> None:
        """Scale as the table does that the network has learnt from."""
        read = [column for column in reading.encoding.numbers if not column.is_turned]  # those come after the others
        near = reading.about_neighbours  # and these last, scaled already
        self.fill[: len(read)] = torch.tensor([column.fill for column in read], dtype=torch.float64)
        self.scale[: len(read)] = torch.tensor([column.scale for column in read], dtype=torch.float64)
        self.kept[:] = False
        self.kept[: 2 * len(read)] = torch.tensor([kept for column in read for kept in (True, column.gaps)])
        self.kept[len(self.kept) - 2 * near :] = torch.tensor([True, False] * near, dtype=torch.bool)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        scores: Tensor = self.network(self.scaled(numbers), codes)
        return scores

    def scaled(self, numbers: Tensor) -> Tensor:
        """Numbers as the network has learnt to read them: (B, values and presences that are kept)."""
        there = numbers.isfinite()
        values = (torch.where(there, numbers.double(), self.fill) - self.fill) / self.scale
        if self.is_clipped:
            values = values / torch.sqrt(1 + (values / 3) ** 2)
        read = torch.stack([values, there.double()], dim=2).flatten(1)[:, self.kept]
        return read.float() if self.is_clipped else read


def reading_plainly(network: nn.Module, scaling: Scaling, shapes: Shapes) -> nn.Module:
    """The network as one that reads plain numbers of these shapes: itself, if it does so already."""
    return network if scaling == "plain" else Scaled(network, shapes.numbers, scaling)
