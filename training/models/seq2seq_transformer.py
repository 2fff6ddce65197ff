"""A Transformer that reads one text and writes another."""

from __future__ import annotations

from typing import TypeAlias, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.gpt import keep_rotation, norm, rotate

KeysValues: TypeAlias = tuple[Tensor, Tensor]
"""Keys and values of the tokens read or written so far: (B, heads, T, D) each."""
Memory: TypeAlias = tuple[Tensor, list[KeysValues], list[KeysValues]]
"""Where source tokens stand, their keys and values for each layer of the writer, and those of what it wrote."""


class Seq2SeqTransformer(nn.Module):
    """Source ids (B, S) with their mask and ids written so far (B, T) in, scores (B, T, vocabulary) out.

    Vaswani et al., "Attention is all you need", 2017, arXiv:1706.03762; with the parts that learn faster of `GPT`:
    rotary places, normalised queries and keys, squared ReLU, projections that start at zero.
    """

    def __init__(
        self, vocabulary: int, *, start: int, length: int, layers: int, width: int, heads: int, dropout: float
    ) -> None:
        super().__init__()
        self.start = start
        self.embedding = nn.Embedding(vocabulary, width)
        self.dropout = nn.Dropout(dropout)
        self.readers = nn.ModuleList(Reader(width, heads, dropout) for _ in range(layers))
        self.writers = nn.ModuleList(Writer(width, heads, dropout) for _ in range(layers))
        self.head = nn.Linear(width, vocabulary, bias=False)
        nn.init.normal_(self.embedding.weight, std=1.0)
        nn.init.zeros_(self.head.weight)
        self.cosine: Tensor
        self.sine: Tensor
        keep_rotation(self, length, width // heads)

    def forward(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        scores, _, _ = self._go_on(inputs, self.remember(source, mask))
        return scores

    def remember(self, source: Tensor, mask: Tensor) -> Memory:
        """Read the source: what each layer of the writer will look at, and no words written yet."""
        x = self.dropout(norm(self.embedding(source)))
        for reader in self.readers:
            x = reader(x, self._turns(0, source.shape[1]), mask[:, None, None])
        x = norm(x)
        return mask, [writer.remember(x) for writer in self._writers()], []

    def write(self, ids: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Scores of the next token (B, vocabulary) after one more token (B,), and the memory with it."""
        scores, _, grown = self._go_on(ids[:, None], memory)
        return scores[:, -1], grown

    def pick(self, memory: Memory, rows: Tensor) -> Memory:
        """The memory of these rows."""
        mask, read, written = memory
        return mask[rows], [_rows(each, rows) for each in read], [_rows(each, rows) for each in written]

    def attention(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        """Where the last layer looked at each token, the mean over its heads: (B, T, S)."""
        _, x, (mask, read, _) = self._go_on(inputs, self.remember(source, mask), layers=len(self.writers) - 1)
        last = self._writers()[-1]
        x, _ = last.listen(x, self._turns(0, inputs.shape[1]), None)
        return last.look.weights(norm(x), read[-1][0], mask[:, None, None]).mean(1)

    def _go_on(self, inputs: Tensor, memory: Memory, layers: int | None = None) -> tuple[Tensor, Tensor, Memory]:
        """Scores after the inputs, what stands before them (after so many layers), and the memory with them."""
        mask, read, written = memory
        begun = written[0][0].shape[2] if written else 0
        turns = self._turns(begun, begun + inputs.shape[1])
        x = self.dropout(norm(self.embedding(inputs)))
        grown: list[KeysValues] = []
        for number, writer in enumerate(self.writers[:layers]):
            x, kept = writer(x, turns, written[number] if written else None, read[number], mask[:, None, None])
            grown.append(kept)
        scores: Tensor = self.head(norm(x))
        return scores.float(), x, (mask, read, grown)

    def _writers(self) -> list[Writer]:
        return cast(list[Writer], list(self.writers))

    def _turns(self, start: int, end: int) -> tuple[Tensor, Tensor]:
        return self.cosine[start:end], self.sine[start:end]


class Look(nn.Module):
    """Attention with several heads; queries and keys are normalised, so that no look can grow too sharp at once."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width, bias=False)
        self.key = nn.Linear(width, width, bias=False)
        self.value = nn.Linear(width, width, bias=False)
        self.project = nn.Linear(width, width, bias=False)
        self.sharpness = nn.Parameter(torch.ones(heads))
        nn.init.zeros_(self.project.weight)

    def queries(self, x: Tensor) -> Tensor:
        """(B, T, width) to (B, heads, T, D)."""
        queries: Tensor = norm(self._split(self.query(x))) * self.sharpness.to(x.dtype)[:, None, None]
        return queries

    def keys_values(self, x: Tensor) -> KeysValues:
        """(B, T, width) to (B, heads, T, D) each."""
        return norm(self._split(self.key(x))), self._split(self.value(x))

    def forward(self, queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor | None, causal: bool) -> Tensor:
        seen = F.scaled_dot_product_attention(queries, keys, values, attn_mask=mask, is_causal=causal)
        mixed: Tensor = self.project(seen.transpose(1, 2).flatten(2))
        return mixed

    def weights(self, x: Tensor, keys: Tensor, mask: Tensor) -> Tensor:
        """How much of each look falls on each key: (B, heads, T, S)."""
        matches = self.queries(x) @ keys.mT / keys.shape[3] ** 0.5
        weights: Tensor = matches.masked_fill(~mask, -torch.inf).softmax(dim=3)
        return weights

    def _split(self, x: Tensor) -> Tensor:
        return x.view(*x.shape[:2], self.heads, -1).transpose(1, 2)


class Think(nn.Module):
    """A two-layer network for each token."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.up = nn.Linear(width, 4 * width, bias=False)
        self.down = nn.Linear(4 * width, width, bias=False)
        nn.init.zeros_(self.down.weight)

    def forward(self, x: Tensor) -> Tensor:
        thought: Tensor = self.down(F.relu(self.up(norm(x))).square())
        return thought


class Reader(nn.Module):
    """Look at the whole source, then think."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.look, self.think, self.dropout = Look(width, heads), Think(width), nn.Dropout(dropout)

    def forward(self, x: Tensor, turns: tuple[Tensor, Tensor], mask: Tensor) -> Tensor:
        y = norm(x)
        keys, values = self.look.keys_values(y)
        queries, keys = rotate(self.look.queries(y), *turns), rotate(keys, *turns)
        x = x + self.dropout(self.look(queries, keys, values, mask, False))
        thought: Tensor = self.dropout(self.think(x))
        return x + thought


class Writer(nn.Module):
    """Listen to what was written, look at what was read, then think."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.own, self.look, self.think = Look(width, heads), Look(width, heads), Think(width)
        self.dropout = nn.Dropout(dropout)

    def forward(
        self, x: Tensor, turns: tuple[Tensor, Tensor], written: KeysValues | None, read: KeysValues, mask: Tensor
    ) -> tuple[Tensor, KeysValues]:
        x, kept = self.listen(x, turns, written)
        x = x + self.dropout(self.look(self.look.queries(norm(x)), *read, mask, False))
        return x + self.dropout(self.think(x)), kept

    def remember(self, read: Tensor) -> KeysValues:
        """What this layer will look at of the source (B, S, width)."""
        return self.look.keys_values(read)

    def listen(self, x: Tensor, turns: tuple[Tensor, Tensor], written: KeysValues | None) -> tuple[Tensor, KeysValues]:
        """Each token looks at itself and at those before it; after `written`, one token at a time."""
        y = norm(x)
        keys, values = self.own.keys_values(y)
        queries, keys = rotate(self.own.queries(y), *turns), rotate(keys, *turns)
        if written is not None:
            keys, values = torch.cat([written[0], keys], dim=2), torch.cat([written[1], values], dim=2)
        return x + self.dropout(self.own(queries, keys, values, None, written is None)), (keys, values)


def _rows(kept: KeysValues, rows: Tensor) -> KeysValues:
    return kept[0][rows], kept[1][rows]
