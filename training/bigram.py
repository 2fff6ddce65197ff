"""The baseline of language modelling: the next token guessed from the last one alone, by counting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
STRENGTHS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)


@dataclass(frozen=True)
class Bigram:
    """Counts of neighbours, smoothed towards how common each token is by `strength` imagined observations.

    MacKay and Peto, "A hierarchical Dirichlet language model", 1995.
    """

    shares: NDArray[np.float64]
    """How common each token is, (vocabulary,)."""
    contexts: Ints
    """How often each token came first, (vocabulary,)."""
    pairs: Ints
    """Pairs that occurred as first * vocabulary + second, ascending."""
    counts: Ints
    strength: float

    def nats(self, first: Ints, second: Ints) -> NDArray[np.float64]:
        """Surprise at each `second` after `first`, (n,) in nats."""
        keys = first * len(self.shares) + second
        places = np.minimum(np.searchsorted(self.pairs, keys), len(self.pairs) - 1)
        seen = np.where(self.pairs[places] == keys, self.counts[places], 0)
        chance = (seen + self.strength * self.shares[second]) / (self.contexts[first] + self.strength)
        return np.asarray(-np.log(chance))


def learn_bigram(first: Ints, second: Ints, vocabulary: int) -> Bigram:
    """Count the pairs; the strength of the smoothing is the best one on the last tenth, learnt from the rest."""
    cut = max(1, len(first) * 9 // 10)
    tried = [_count(first[:cut], second[:cut], vocabulary, strength) for strength in STRENGTHS]
    losses = [bigram.nats(first[cut:], second[cut:]).sum() for bigram in tried]
    return _count(first, second, vocabulary, STRENGTHS[int(np.argmin(losses))])


def _count(first: Ints, second: Ints, vocabulary: int, strength: float) -> Bigram:
    pairs, counts = np.unique(first * vocabulary + second, return_counts=True)
    common = np.bincount(second, minlength=vocabulary) + 1.0
    contexts = np.bincount(first, minlength=vocabulary)
    return Bigram(common / common.sum(), contexts, pairs, counts, strength)
