"""A recurrent reader: an embedding, memories that read on from word to word, and a summary of all that they noted."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from training.models.text_parts import AttentionPooling, TokenAttention, TokenEmbedding, masked_max, masked_mean

Cell: TypeAlias = Literal["lstm", "gru", "rnn"]
Pooling: TypeAlias = Literal["max-mean", "attention", "last"]

CELLS: dict[Cell, type[nn.LSTM] | type[nn.GRU] | type[nn.RNN]] = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}


class TextRecurrent(nn.Module):
    """Token ids (B, T) with a mask (B, T) that is true where a token stands, to scores (B, outputs).

    With `per_token` to scores (B, T, outputs) for every token, which with attention looks at all others once more; with
    `places` the ids bring the looks of their words (`TokenEmbedding`).
    Padding, which comes last, changes nothing. Hochreiter and Schmidhuber, "Long short-term memory", 1997; Cho et al.,
    "Learning phrase representations using RNN encoder-decoder", 2014 (GRU); Elman, "Finding structure in time", 1990.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        *,
        cell: Cell,
        width: int,
        layers: int,
        two_way: bool,
        pooling: Pooling,
        dropout: float,
        word_dropout: float,
        per_token: bool,
        places: int = 0,
    ) -> None:
        super().__init__()
        self.embedding = TokenEmbedding(vocabulary, width, word_dropout=word_dropout, places=places)
        self.dropout = nn.Dropout(dropout)
        noted = width * (2 if two_way else 1)
        sizes = [width] + [noted] * (layers - 1)
        memory = CELLS[cell]
        self.onwards = nn.ModuleList(memory(size, width, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(memory(size, width, batch_first=True) for size in sizes if two_way)
        self.pooling, self.per_token = pooling, per_token
        pool = TokenAttention if per_token else AttentionPooling
        self.attention = pool(noted) if pooling == "attention" else None
        twice = pooling == "attention" if per_token else pooling == "max-mean"
        self.head = nn.Linear(2 * noted if twice else noted, outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.dropout(self.embedding(ids))
        turned = turned_places(mask)
        for layer, onwards in enumerate(self.onwards):
            if layer:
                x = self.dropout(x)
            notes = [onwards(x)[0]]
            if self.backwards:
                notes.append(turn(self.backwards[layer](turn(x, turned))[0], turned))
            x = torch.cat(notes, dim=2)
        summary = self._for_each_token(x, mask) if self.per_token else self._summary(x, mask)
        scores: Tensor = self.head(self.dropout(summary))
        return scores

    def _for_each_token(self, notes: Tensor, mask: Tensor) -> Tensor:
        return notes if self.attention is None else torch.cat([notes, self.attention(notes, mask)], dim=2)

    def _summary(self, notes: Tensor, mask: Tensor) -> Tensor:
        if self.attention is not None:
            summary: Tensor = self.attention(notes, mask)
            return summary
        if self.pooling == "max-mean":
            return torch.cat([masked_max(notes, mask), masked_mean(notes, mask)], dim=1)
        last = notes[torch.arange(len(notes)), mask.sum(1) - 1]
        if not self.backwards:
            return last
        half = notes.shape[2] // 2
        return torch.cat([last[:, :half], notes[:, 0, half:]], dim=1)


def turned_places(mask: Tensor) -> Tensor:
    """Where each token (B, T) stands when its text is read from the end; padding stays where it is."""
    places = torch.arange(mask.shape[1], device=mask.device).expand_as(mask)
    return torch.where(mask, mask.sum(1, keepdim=True) - 1 - places, places)


def turn(x: Tensor, places: Tensor) -> Tensor:
    """Put the tokens of x (B, T, D) into the order of `places` (B, T)."""
    return x.gather(1, places.unsqueeze(2).expand_as(x))
