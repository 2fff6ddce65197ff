"""A recurrent reader: an embedding, an LSTM, and a summary of all that it noted."""

from __future__ import annotations

from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from training.models.text_parts import AttentionPooling, WordDropout, masked_max, masked_mean

Pooling: TypeAlias = Literal["max-mean", "attention", "last"]


class TextLSTM(nn.Module):
    """Token ids (B, T) with a mask (B, T) that is true where a token stands, to class scores (B, outputs).

    Padding is never read. Hochreiter and Schmidhuber, "Long short-term memory", 1997.
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
        between = dropout if layers > 1 else 0.0
        self.lstm = nn.LSTM(width, width, layers, batch_first=True, bidirectional=two_way, dropout=between)
        noted = width * (2 if two_way else 1)
        self.pooling = pooling
        self.attention = AttentionPooling(noted) if pooling == "attention" else None
        self.head = nn.Linear(2 * noted if pooling == "max-mean" else noted, outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        lengths = mask.sum(1).cpu()
        x = self.dropout(self.word_dropout(self.embedding(ids)))
        notes, (memory, _) = self.lstm(pack_padded_sequence(x, lengths, batch_first=True, enforce_sorted=False))
        notes, _ = pad_packed_sequence(notes, batch_first=True, total_length=ids.shape[1])
        scores: Tensor = self.head(self.dropout(self._summary(notes, memory, mask)))
        return scores

    def _summary(self, notes: Tensor, memory: Tensor, mask: Tensor) -> Tensor:
        if self.attention is not None:
            summary: Tensor = self.attention(notes, mask)
            return summary
        if self.pooling == "max-mean":
            return torch.cat([masked_max(notes, mask), masked_mean(notes, mask)], dim=1)
        directions = 2 if self.lstm.bidirectional else 1
        return torch.cat(list(memory[-directions:]), dim=1)
