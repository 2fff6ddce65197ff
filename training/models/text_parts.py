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
