"""A small GPT: each token looks back at the ones before it."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.language.packing import apart

Memory: TypeAlias = list[tuple[Tensor, Tensor]]
"""Keys and values of the tokens read so far, per layer: (B, heads, T, D) each."""

SOFTCAP = 15.0
"""Scores are bent towards ±15, so that no token is ever ruled out for good."""


class GPT(nn.Module):
    """Token ids (B, T) in, scores of the next token (B, T, vocabulary) out.

    With the `places` (B, T) of tokens in their own texts, rows hold several texts, each of which sees only itself.
    Rotary positions (or learnt ones, as in GPT-2), normalised queries and keys, squared ReLU, projections that start
    at zero, and an output layer of its own. Radford et al., "Language Models are Unsupervised Multitask Learners",
    2019; the later parts as in Jordan et al., "modded-nanogpt", 2024, https://github.com/KellerJordan/modded-nanogpt
    """

    def __init__(
        self,
        vocabulary: int,
        length: int,
        *,
        layers: int,
        width: int,
        heads: int,
        dropout: float = 0.0,
        positions: Literal["rotary", "learned"] = "rotary",
    ) -> None:
        super().__init__()
        self.length = length
        self.embedding = nn.Embedding(vocabulary, width)
        self.places = nn.Embedding(length, width) if positions == "learned" else None
        self.dropout = nn.Dropout(dropout)
        self.blocks = nn.ModuleList(Block(width, heads, dropout) for _ in range(layers))
        self.head = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.embedding.weight, std=1.0)
        nn.init.zeros_(self.head.weight)
        self.cosine: Tensor
        self.sine: Tensor
        keep_rotation(self, length, width // heads)

    def forward(self, ids: Tensor, places: Tensor | None = None) -> Tensor:
        x, _ = self._look(ids, None, places)
        return self._score(x)

    def read(self, ids: Tensor, memory: Memory | None) -> tuple[Tensor, Memory]:
        """Read on from where `memory` ends: scores of the next token (B, vocabulary), and the memory with these tokens.

        At most `length` tokens fit in all.
        """
        x, grown = self._look(ids, memory)
        return self._score(x[:, -1]), grown

    def _look(self, ids: Tensor, memory: Memory | None, places: Tensor | None = None) -> tuple[Tensor, Memory]:
        before = memory[0][0].shape[2] if memory else 0
        here = torch.arange(before, before + ids.shape[1], device=ids.device)[None] if places is None else places
        turns = (self.cosine[here][:, None], self.sine[here][:, None]) if self.places is None else None
        x = self.embedding(ids) if self.places is None else self.embedding(ids) + self.places(here)
        x = self.dropout(norm(x))
        mask = _after(before, ids.shape[1], ids.device) if places is None else apart(places)[:, None]
        grown: Memory = []
        for index, block in enumerate(self.blocks):
            x, kept = block(x, turns, memory[index] if memory else None, mask)
            grown.append(kept)
        return norm(x), grown

    def _score(self, x: Tensor) -> Tensor:
        scores = self.head(x).float()
        return SOFTCAP * torch.tanh(scores / SOFTCAP)


class Block(nn.Module):
    """Look around, then think: attention and a two-layer network, each added to what was there."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.project = nn.Linear(width, width, bias=False)
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        self.dropout = nn.Dropout(dropout)
        nn.init.zeros_(self.project.weight)
        nn.init.zeros_(self.down.weight)

    def forward(
        self,
        x: Tensor,
        turns: tuple[Tensor, Tensor] | None,
        before: tuple[Tensor, Tensor] | None,
        mask: Tensor | None,
    ) -> tuple[Tensor, tuple[Tensor, Tensor]]:
        y = norm(x)
        query, key, value = (self._split(part(y)) for part in (self.query, self.key, self.value))
        query, key = norm(query), norm(key)
        if turns is not None:
            query, key = rotate(query, *turns), rotate(key, *turns)
        if before is not None:
            key, value = torch.cat((before[0], key), dim=2), torch.cat((before[1], value), dim=2)
        alone = before is None and mask is None
        seen = F.scaled_dot_product_attention(query, key, value, attn_mask=mask, is_causal=alone)
        x = x + self.dropout(self.project(seen.transpose(1, 2).flatten(2)))
        x = x + self.dropout(self.down(F.relu(self.up(norm(x))).square()))
        return x, (key, value)

    def _split(self, x: Tensor) -> Tensor:
        """(B, T, width) to (B, heads, T, D)."""
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


def norm(x: Tensor) -> Tensor:
    """Root-mean-square normalisation over the last dimension. Zhang and Sennrich, 2019, arXiv:1910.07467."""
    return F.rms_norm(x, (x.shape[-1],))


def rotation(length: int, width: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (length, width / 2) of rotary positions. Su et al., "RoFormer", 2021, arXiv:2104.09864."""
    speeds = 10_000.0 ** -torch.arange(0, 1, 2 / width)
    angles = torch.outer(torch.arange(length).float(), speeds)
    return angles.cos(), angles.sin()


def keep_rotation(network: nn.Module, length: int, width: int) -> None:
    """Give a network the `rotation` as its buffers `cosine` and `sine`, which are not saved."""
    cosine, sine = rotation(length, width)
    network.register_buffer("cosine", cosine, persistent=False)
    network.register_buffer("sine", sine, persistent=False)


def rotate(x: Tensor, cosine: Tensor, sine: Tensor) -> Tensor:
    """Turn pairs of numbers of x (B, heads, T, D) by the angle of their position."""
    first, second = x.chunk(2, dim=-1)
    cosine, sine = cosine.to(x.dtype), sine.to(x.dtype)
    return torch.cat((first * cosine - second * sine, first * sine + second * cosine), dim=-1)


def _after(before: int, new: int, device: torch.device) -> Tensor | None:
    """Which tokens each of `new` ones after some `before` may look at; None where nothing need be said."""
    if before == 0 or new == 1:
        return None
    return torch.ones(new, before + new, dtype=torch.bool, device=device).tril(before)
