"""A recurrent reader: an embedding, an LSTM, and a summary of all that it noted."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from training.models.text_parts import AttentionPooling, WordDropout, masked_max, masked_mean

Pooling: TypeAlias = Literal["max-mean", "attention", "last"]


class TextLSTM(nn.Module):
    """Token ids (B, T) with a mask (B, T) that is true where a token stands, to class scores (B, outputs).

    Padding, which comes last, changes nothing. Hochreiter and Schmidhuber, "Long short-term memory", 1997.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        *,
        width: int,
        layers: int,
        two_way: bool,
        pooling: Pooling,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.word_dropout = WordDropout(word_dropout)
        self.dropout = nn.Dropout(dropout)
        noted = width * (2 if two_way else 1)
        sizes = [width] + [noted] * (layers - 1)
        self.onwards = nn.ModuleList(nn.LSTM(size, width, batch_first=True) for size in sizes)
        self.backwards = nn.ModuleList(nn.LSTM(size, width, batch_first=True) for size in sizes if two_way)
        self.pooling = pooling
        self.attention = AttentionPooling(noted) if pooling == "attention" else None
        self.head = nn.Linear(2 * noted if pooling == "max-mean" else noted, outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = self.dropout(self.word_dropout(self.embedding(ids)))
        turned = turned_places(mask)
        for layer, onwards in enumerate(self.onwards):
            if layer:
                x = self.dropout(x)
            notes = [onwards(x)[0]]
            if self.backwards:
                notes.append(turn(self.backwards[layer](turn(x, turned))[0], turned))
            x = torch.cat(notes, dim=2)
        scores: Tensor = self.head(self.dropout(self._summary(x, mask)))
        return scores

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
