"""Networks for tables: rows of numbers and category codes in, scores out."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.models.numbers import read_numbers

ONE_HOT_UP_TO = 32
EMBEDDING_SIZE = 16

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "sigmoid": nn.Sigmoid, "tanh": nn.Tanh, "gelu": nn.GELU, "silu": nn.SiLU,
}  # fmt: skip


def bend(activation: str, units: int) -> nn.Module:
    """The activation after a layer; "parametric" learns each unit's slope below zero.

    He et al., "Delving deep into rectifiers", 2015, https://arxiv.org/abs/1502.01852
    """
    return nn.PReLU(units) if activation == "parametric" else ACTIVATIONS[activation]()


class CategoryInput(nn.Module):
    """Codes (B, columns) to numbers: one-hot for small columns, an embedding for large ones."""

    def __init__(self, sizes: Sequence[int], *, one_hot_up_to: int = ONE_HOT_UP_TO) -> None:
        super().__init__()
        self.sizes, self.one_hot_up_to = tuple(sizes), one_hot_up_to
        self.embeddings = nn.ModuleDict(
            {str(at): nn.Embedding(size, EMBEDDING_SIZE) for at, size in enumerate(sizes) if size > one_hot_up_to}
        )
        self.width = sum(EMBEDDING_SIZE if size > one_hot_up_to else size for size in sizes)

    def forward(self, codes: Tensor) -> list[Tensor]:
        """One tensor (B, width of the column) per column."""
        return [
            self.embeddings[str(at)](codes[:, at])
            if size > self.one_hot_up_to
            else F.one_hot(codes[:, at], size).float()
            for at, size in enumerate(self.sizes)
        ]


class Members(nn.Module):
    """Several networks that share their layers: each sees the inputs in scales of its own and has an output of its own.

    The mini variant of Gorishniy et al., "TabM: advancing tabular deep learning with parameter-efficient ensembling",
    2024, https://arxiv.org/abs/2410.24210; the scales begin as random signs.
    """

    def __init__(self, count: int, width: int) -> None:
        super().__init__()
        self.count = count
        self.scales = nn.Parameter(torch.randint(0, 2, (count, width)) * 2.0 - 1.0)

    def spread(self, read: Tensor) -> Tensor:
        """Every row once for each member: (B, width) to (B * members, width)."""
        return (read[:, None, :] * self.scales).flatten(0, 1)

    def answer(self, hidden: Tensor, head: nn.Linear) -> Tensor:
        """Each member's scores (B, members, outputs) from (B * members, units) by its own part of the output layer."""
        units = hidden.view(-1, self.count, hidden.shape[1])
        weights, biases = head.weight.view(self.count, -1, hidden.shape[1]), head.bias.view(self.count, -1)
        return torch.einsum("bku,kou->bko", units, weights) + biases


def together(each: Tensor) -> Tensor:
    """One answer of several members (B, members, outputs): the mean value, or the logarithm of the mean probability."""
    if each.shape[2] == 1:
        return each.mean(dim=1)
    return each.log_softmax(dim=2).logsumexp(dim=1)


class MLP(nn.Module):
    """Layers of weighted sums with an activation between them; no hidden layer makes it a linear model."""

    def __init__(
        self,
        shapes: Shapes,
        *,
        hidden: Sequence[int],
        activation: str = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        layer_norm: bool = False,
        number_width: int = 0,
        pieces: int = 0,
        one_hot_up_to: int = ONE_HOT_UP_TO,
        members: int = 1,
    ) -> None:
        super().__init__()
        self.categories = CategoryInput(shapes.categories, one_hot_up_to=one_hot_up_to)
        self.numbers = read_numbers(shapes.numbers, number_width, pieces)
        width = self.categories.width + shapes.numbers * (number_width if self.numbers else 1)
        self.members = Members(members, width) if members > 1 else None
        layers: list[nn.Module] = []
        for size in hidden:
            layers += [
                nn.Linear(width, size),
                *([nn.BatchNorm1d(size)] if batch_norm else []),
                *([nn.LayerNorm(size)] if layer_norm else []),
                bend(activation, size),
            ]
            layers += [nn.Dropout(dropout)] if dropout else []
            width = size
        self.hidden = nn.Sequential(*layers)
        self.head = nn.Linear(width, shapes.outputs * members)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Scores (B, outputs) of numbers (B, n) and category codes (B, columns).

        While it learns, several members each give their own: (B, members, outputs); asked, they answer together.
        """
        read = self.read(numbers, codes)
        if self.members is None:
            scores: Tensor = self.head(self.hidden(read))
            return scores
        each = self.members.answer(self.hidden(self.members.spread(read)), self.head)
        return each if self.training else together(each)

    def read(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """What enters the first layer: (B, width)."""
        read = self.numbers(numbers) if self.numbers is not None else numbers
        return torch.cat([read, *self.categories(codes)], dim=1)
