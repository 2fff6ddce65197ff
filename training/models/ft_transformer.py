"""The Transformer for tables: every column is a token, and one more token reads them all."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.models.numbers import read_numbers
from training.models.text_transformer import Block


class FTTransformer(nn.Module):
    """Columns as tokens, layers in which each looks at the others, and an answer read off a token of its own.

    Gorishniy et al., "Revisiting deep learning models for tabular data", 2021, https://arxiv.org/abs/2106.11959
    """

    def __init__(
        self,
        shapes: Shapes,
        *,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
        waves: bool = False,
        pieces: int = 0,
    ) -> None:
        super().__init__()
        self.reader = nn.Parameter(torch.empty(1, 1, width).uniform_(-1, 1) / math.sqrt(width))
        read = read_numbers(shapes.numbers, width, pieces) if waves or pieces else NumberTokens(shapes.numbers, width)
        self.numbers = read if shapes.numbers else None
        self.categories = nn.ModuleList(nn.Embedding(size, width) for size in shapes.categories)
        for table in self.categories:
            nn.init.uniform_(table.weight, -1 / math.sqrt(width), 1 / math.sqrt(width))  # type: ignore[arg-type]
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.head = nn.Linear(width, shapes.outputs)

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Scores (B, outputs) of numbers (B, n) and category codes (B, columns)."""
        tokens = self.tokens(numbers, codes)
        for block in self.blocks[:-1]:
            tokens = block(tokens, None)
        read = read_off(self.blocks[-1], tokens)
        scores: Tensor = self.head(self.norm(read).relu())
        return scores

    def tokens(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """The reading token and one for each number and category: (B, 1 + n + columns, width)."""
        rows, width = len(numbers), self.reader.shape[2]
        tokens = [self.reader.expand(rows, -1, -1)]
        if self.numbers is not None:
            tokens.append(self.numbers(numbers).view(rows, -1, width))
        tokens += [table(codes[:, at : at + 1]) for at, table in enumerate(self.categories)]
        return torch.cat(tokens, dim=1)


def read_off(block: nn.Module, tokens: Tensor) -> Tensor:
    """What a block makes of the first token (B, T, width), without what it would make of the others: (B, width)."""
    assert isinstance(block, Block)
    batch, count, width = tokens.shape
    known, weight, bias = block.norm(tokens), block.queries_keys_values.weight, block.queries_keys_values.bias
    queries = F.linear(known[:, :1], weight[:width], bias[:width]).view(batch, 1, block.heads, -1)
    keys_values = F.linear(known, weight[width:], bias[width:]).view(batch, count, 2, block.heads, -1)
    keys, values = keys_values.permute(2, 0, 3, 1, 4)
    looked = F.scaled_dot_product_attention(queries.transpose(1, 2), keys, values)
    first = tokens[:, 0] + block.dropout(block.mix(looked.reshape(batch, width)))
    after: Tensor = first + block.dropout(block.think(first))
    return after


class NumberTokens(nn.Module):
    """Each number as a multiple of a learnt vector, plus another one: (B, n) to (B, n * width)."""

    def __init__(self, numbers: int, width: int) -> None:
        super().__init__()
        bound = 1 / math.sqrt(width)
        self.weight = nn.Parameter(torch.empty(numbers, width).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.empty(numbers, width).uniform_(-bound, bound))

    def forward(self, numbers: Tensor) -> Tensor:
        return torch.addcmul(self.bias, numbers.unsqueeze(2), self.weight).flatten(1)
