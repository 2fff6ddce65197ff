"""Parts that readers of texts share: leaving words out, and summing up what was noted at each token."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class WordDropout(nn.Module):
    """Blanks whole tokens at random while learning: embeddings (B, T, D) in and out, their mean kept."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def forward(self, x: Tensor) -> Tensor:
        if not self.training or not self.share:
            return x
        kept = torch.rand(x.shape[:2], device=x.device) >= self.share
        return x * (kept / (1 - self.share)).unsqueeze(2)


class TokenEmbedding(nn.Module):
    """What tokens stand for, whole ones left out at random while learning: ids (B, T) to (B, T, D).

    With `places`, ids are (B, T, 1 + looks), and what a word looks like is added, also to those left out.
    """

    def __init__(self, vocabulary: int, width: int, *, word_dropout: float, places: int = 0) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.looks = nn.Embedding(places, width, padding_idx=0) if places else None
        self.word_dropout = WordDropout(word_dropout)
        for table in (self.embedding, self.looks):
            if table is not None:
                nn.init.normal_(table.weight, std=0.3 if table is self.embedding else 0.1)

    def forward(self, ids: Tensor) -> Tensor:
        if self.looks is None:
            known: Tensor = self.word_dropout(self.embedding(ids))
            return known
        tokens, looks = ids[..., 0], ids[..., 1:]
        seen = self.word_dropout(self.looks(looks.flatten(1))).unflatten(1, looks.shape[1:]).sum(2)
        spelled: Tensor = self.word_dropout(self.embedding(tokens)) + seen
        return spelled


class AttentionPooling(nn.Module):
    """Notes (B, T, D) to their mean (B, D), weighted by how much each matters.

    Yang et al., "Hierarchical attention networks for document classification", 2016.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.score = nn.Linear(width, 1, bias=False)

    def forward(self, notes: Tensor, mask: Tensor) -> Tensor:
        scores = self.score(self.hidden(notes).tanh()).squeeze(2).masked_fill(~mask, -torch.inf)
        return torch.einsum("bt,btd->bd", scores.softmax(dim=1), notes)


class TokenAttention(nn.Module):
    """Notes (B, T, D) to what each token finds at the others: means (B, T, D) weighted by how well they match.

    The multiplicative attention of Luong et al., "Effective approaches to attention-based neural machine translation",
    2015.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.match = nn.Linear(width, width, bias=False)

    def forward(self, notes: Tensor, mask: Tensor) -> Tensor:
        matches = self.match(notes) @ notes.mT / notes.shape[2] ** 0.5
        found: Tensor = matches.masked_fill(~mask[:, None, :], -torch.inf).softmax(dim=2) @ notes
        return found


def masked_mean(notes: Tensor, mask: Tensor) -> Tensor:
    """Mean over the tokens that stand: (B, T, D) to (B, D)."""
    weights = mask.unsqueeze(2).to(notes.dtype)
    return (notes * weights).sum(1) / weights.sum(1).clamp(min=1)


def masked_max(notes: Tensor, mask: Tensor) -> Tensor:
    """Largest note of each kind over the tokens that stand: (B, T, D) to (B, D)."""
    return notes.masked_fill(~mask.unsqueeze(2), -torch.inf).amax(1)


def masked_last(notes: Tensor, mask: Tensor) -> Tensor:
    """The notes of the last token that stands: (B, T, D) to (B, D)."""
    last: Tensor = notes[torch.arange(len(notes), device=notes.device), mask.sum(1) - 1]
    return last
