"""How surprised a language model is by held-out tokens, and what it would have said instead."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.language.conversations import IGNORED
from training.language.stretches import Stretches

SCORES_AT_ONCE = 1 << 24
"""Numbers in one batch of scores: 64 MB."""


@dataclass(frozen=True)
class Surprise:
    """What a model makes of some stretches."""

    indices: Tensor
    nats: NDArray[np.float64]
    """Summed over the tokens of each stretch that count, (n,)."""
    tokens: NDArray[np.int64]
    """Tokens that count, (n,)."""
    truths: list[NDArray[np.int64]]
    favourites: list[NDArray[np.int64]]
    """The true and the likeliest token at each place, IGNORED where it does not count."""

    def mean(self) -> float:
        """Nats per token."""
        return float(self.nats.sum() / self.tokens.sum())


@torch.no_grad()
def read_surprise(model: nn.Module, stretches: Stretches, indices: Tensor, scores_per_stretch: int) -> Surprise:
    """Let the model read the stretches, as many at a time as memory allows; `scores_per_stretch` is at most T * V."""
    nats, tokens, truths, favourites = [np.empty(0)], [np.empty(0, np.int64)], [], []
    for some in torch.split(indices, max(1, SCORES_AT_ONCE // scores_per_stretch)):
        inputs, targets = stretches.batch(some)
        scores = model(inputs)
        losses = F.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
        counts = targets != IGNORED
        nats.append(losses.view_as(targets).double().sum(1).cpu().numpy())
        tokens.append(counts.sum(1).cpu().numpy())
        truths += list(targets.cpu().numpy())
        favourites += list(torch.where(counts, scores.argmax(-1), IGNORED).cpu().numpy())
    return Surprise(indices, np.concatenate(nats), np.concatenate(tokens), truths, favourites)
