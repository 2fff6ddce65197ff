"""A small Transformer encoder: every token looks at every other one of the text."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.text_parts import TokenEmbedding, masked_max, masked_mean


class TextTransformer(nn.Module):
    """Token ids (B, T) with a mask (B, T) that is true where a token stands, to scores (B, outputs).

    With `per_token` to scores (B, T, outputs) for every token; with `places` the ids bring the looks of their words.
    Norms come first, as in Xiong et al., "On layer normalization in the transformer architecture", 2020; a learnt place
    is added to each token. Vaswani et al., "Attention is all you need", 2017.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        *,
        length: int,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
        word_dropout: float,
        per_token: bool,
        places: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocabulary, width, word_dropout=word_dropout, places=places)
        self.places = nn.Embedding(length, width)
        nn.init.normal_(self.places.weight, std=0.03)
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.per_token = per_token
        self.head = nn.Linear(width if per_token else 2 * width, outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.embedding(ids) + self.places.weight[: ids.shape[1]]
        x = self.dropout(x)
        seen = mask[:, None, None, :]
        for block in self.blocks:
            x = block(x, seen)
        notes = self.norm(x)
        if not self.per_token:
            notes = torch.cat([masked_max(notes, mask), masked_mean(notes, mask)], dim=1)
        scores: Tensor = self.head(self.dropout(notes))
        return scores


class Block(nn.Module):
    """Look around, then think: self-attention and two layers of units, each added to what was there."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm, self.norm_units = nn.LayerNorm(width), nn.LayerNorm(width)
        self.queries_keys_values = nn.Linear(width, 3 * width)
        self.mix = nn.Linear(width, width)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.dropout = nn.Dropout(dropout)
        for last in (self.mix, self.narrow):
            nn.init.zeros_(last.weight)
            nn.init.zeros_(last.bias)

    def forward(self, x: Tensor, seen: Tensor | None) -> Tensor:
        x = x + self.dropout(self._attend(self.norm(x), seen))
        after: Tensor = x + self.dropout(self.think(x))
        return after

    def think(self, x: Tensor) -> Tensor:
        """What the units add to each token: (..., D)."""
        thought: Tensor = self.narrow(F.gelu(self.widen(self.norm_units(x))))
        return thought

    def _attend(self, x: Tensor, seen: Tensor | None) -> Tensor:
        batch, tokens, width = x.shape
        parts = self.queries_keys_values(x).view(batch, tokens, 3, self.heads, width // self.heads)
        queries, keys, values = parts.permute(2, 0, 3, 1, 4)
        looked: Tensor = F.scaled_dot_product_attention(queries, keys, values, attn_mask=seen)
        mixed: Tensor = self.mix(looked.transpose(1, 2).reshape(batch, tokens, width))
        return mixed
