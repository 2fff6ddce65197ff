"""The simplest network that reads: the mean of what its tokens, and pairs of them, stand for."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from training.models.text_parts import WordDropout, masked_mean


class BagOfEmbeddings(nn.Module):
    """Token ids (B, T) with a mask (B, T) that is true where a token stands, to scores (B, outputs).

    Pairs of neighbours share `buckets` embeddings by a hash: Joulin et al., "Bag of tricks for efficient text
    classification", 2017 (fastText).
    """

    def __init__(
        self, vocabulary: int, outputs: int, *, width: int, buckets: int, dropout: float, word_dropout: float
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.pairs = nn.Embedding(buckets, width) if buckets else None
        for table in (self.embedding, self.pairs):
            if table is not None:
                nn.init.normal_(table.weight, std=0.1)
        self.word_dropout, self.dropout = WordDropout(word_dropout), nn.Dropout(dropout)
        self.head = nn.Linear(width, outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        notes = self.word_dropout(self.embedding(ids))
        if self.pairs is not None:
            pairs = self.pairs((ids[:, :-1] * 92_821 + ids[:, 1:]) % self.pairs.num_embeddings)
            notes = torch.cat([notes, self.word_dropout(pairs)], dim=1)
            mask = torch.cat([mask, mask[:, 1:]], dim=1)
        scores: Tensor = self.head(self.dropout(masked_mean(notes, mask)))
        return scores
