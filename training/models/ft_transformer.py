"""The Transformer for tables: every column is a token, and one more token reads them all."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from training.architectures import Shapes
from training.models.numbers import PeriodicNumbers
from training.models.text_transformer import Block


class FTTransformer(nn.Module):
    """Columns as tokens, layers in which each looks at the others, and an answer read off a token of its own.

    Gorishniy et al., "Revisiting deep learning models for tabular data", 2021, https://arxiv.org/abs/2106.11959
    """

    def __init__(
        self, shapes: Shapes, *, width: int, layers: int, heads: int, dropout: float, waves: bool = False
    ) -> None:
        super().__init__()
        self.reader = nn.Parameter(torch.empty(1, 1, width).uniform_(-1, 1) / math.sqrt(width))
        tokens = PeriodicNumbers(shapes.numbers, width) if waves else NumberTokens(shapes.numbers, width)
        self.numbers = tokens if shapes.numbers else None
        self.categories = nn.ModuleList(nn.Embedding(size, width) for size in shapes.categories)
        for table in self.categories:
            nn.init.uniform_(table.weight, -1 / math.sqrt(width), 1 / math.sqrt(width))  # type: ignore[arg-type]
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, shapes.outputs)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Scores (B, outputs) of numbers (B, n) and category codes (B, columns)."""
        tokens = self.tokens(numbers, codes)
        for block in self.blocks:
            tokens = block(tokens, None)
        scores: Tensor = self.head(self.norm(tokens[:, 0]).relu())
        return scores

    def tokens(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """The reading token and one for each number and category: (B, 1 + n + columns, width)."""
        rows, width = len(numbers), self.reader.shape[2]
        tokens = [self.reader.expand(rows, -1, -1)]
        if self.numbers is not None:
            tokens.append(self.numbers(numbers).view(rows, -1, width))
        tokens += [table(codes[:, at : at + 1]) for at, table in enumerate(self.categories)]
        return torch.cat(tokens, dim=1)


class NumberTokens(nn.Module):
    """Each number as a multiple of a learnt vector, plus another one: (B, n) to (B, n * width)."""

    def __init__(self, numbers: int, width: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(numbers, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(numbers, width).uniform_(-bound, bound))

    def forward(self, numbers: Tensor) -> Tensor:
        return torch.addcmul(self.bias, numbers.unsqueeze(2), self.weight).flatten(1)
