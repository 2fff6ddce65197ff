"""A convolutional reader: detectors of short runs of words, and the strongest answer of each."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.models.text_parts import WordDropout, masked_max


class TextCNN(nn.Module):
    """Token ids (B, T) with a mask (B, T) that is true where a token stands, to scores (B, outputs).

    Kim, "Convolutional neural networks for sentence classification", 2014. Padding counts as nothing: a run of words
    may end in it, so that short texts are read too.
    """

    def __init__(
        self,
        vocabulary: int,
        outputs: int,
        *,
        width: int,
        runs: Sequence[int],
        detectors: int,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        nn.init.normal_(self.embedding.weight, std=0.3)
        self.word_dropout, self.dropout = WordDropout(word_dropout), nn.Dropout(dropout)
        self.runs = tuple(runs)
        self.detectors = nn.ModuleList(nn.Conv1d(width, detectors, run) for run in runs)
        self.head = nn.Linear(detectors * len(runs), outputs)
        nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        x = (self.word_dropout(self.embedding(ids)) * mask.unsqueeze(2)).mT
        found = [
            masked_max(F.relu(detector(F.pad(x, (0, run - 1)))).mT, mask)
            for run, detector in zip(self.runs, self.detectors, strict=True)
        ]
        scores: Tensor = self.head(self.dropout(torch.cat(found, dim=1)))
        return scores
