"""Two tables of vectors: one for words, one for the company that they keep."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.texts.company import Company


class WordVectors(nn.Module):
    """What every kind has: vectors of words (vocabulary, width), and of words as company."""

    def __init__(self, vocabulary: int, width: int) -> None:
        super().__init__()
        self.words = nn.Embedding(vocabulary, width)
        self.company = nn.Embedding(vocabulary, width)
        nn.init.uniform_(self.words.weight, -0.5 / width, 0.5 / width)
        nn.init.uniform_(self.company.weight, -0.5 / width, 0.5 / width)

    def affinity(self, words: Tensor, company: Tensor) -> Tensor:
        """How well `company` (B,) stands beside `words` (B,): the product of their vectors."""
        products: Tensor = (self.words(words) * self.company(company)).sum(-1)
        return products


class Word2Vec(WordVectors):
    """Skip-gram, or CBOW with `from_company`, with negative sampling: Mikolov et al., 2013, arXiv:1310.4546."""

    def __init__(self, vocabulary: int, width: int, *, from_company: bool) -> None:
        super().__init__(vocabulary, width)
        nn.init.zeros_(self.company.weight)
        self.from_company = from_company

    def forward(self, beside: Company, negatives: Tensor) -> Tensor:
        """Mean loss per comparison in nats; `negatives` (B, K) are drawn by how common words are."""
        here = beside.words[:, None]
        guessed = torch.cat([here, negatives], dim=1)  # (B, 1 + K), the true word first
        if self.from_company:
            shares = beside.stands / beside.stands.sum(1, keepdim=True).clamp(min=1)
            mean = (self.words(beside.company) * shares[:, :, None]).sum(1)
            return contrast(torch.einsum("bd,bkd->bk", mean, self.company(guessed)), beside.stands.any(1).float())
        given = self.words(beside.words)
        true = torch.einsum("bd,bcd->bc", given, self.company(beside.company))
        wrong = torch.einsum("bd,bkd->bk", given, self.company(negatives))
        count = beside.stands.float().sum(1)
        losses = (F.softplus(-true) * beside.stands).sum(1) + count * F.softplus(wrong).sum(1)
        return losses.sum() / (count.sum() * (1 + negatives.shape[1])).clamp(min=1)


class GloVe(WordVectors):
    """Products of vectors and two offsets give the logarithm of how often two words met: Pennington et al., 2014."""

    def __init__(self, vocabulary: int, width: int, *, enough: float) -> None:
        super().__init__(vocabulary, width)
        nn.init.normal_(self.words.weight, std=0.1)
        nn.init.normal_(self.company.weight, std=0.1)
        self.word_offsets = nn.Parameter(torch.zeros(vocabulary))
        self.company_offsets = nn.Parameter(torch.zeros(vocabulary))
        self.enough = enough

    def forward(self, words: Tensor, company: Tensor, counts: Tensor) -> Tensor:
        """Mean squared error of the logarithms (B,), rare meetings weighing less."""
        found = self.affinity(words, company) + self.word_offsets[words] + self.company_offsets[company]
        weights = (counts / self.enough).clamp(max=1.0) ** 0.75
        return (weights * (found - counts.log()) ** 2).mean()


def contrast(scores: Tensor, weights: Tensor) -> Tensor:
    """Mean loss of telling the first of the scores (B, 1 + K) from the others; `weights` (B,) say which rows count."""
    losses = F.softplus(-scores[:, 0]) + F.softplus(scores[:, 1:]).sum(1)
    return (losses * weights).sum() / (weights.sum() * scores.shape[1]).clamp(min=1)
