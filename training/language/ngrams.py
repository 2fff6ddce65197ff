"""Groups of tokens, counted: how likely each next token is after the few before it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.language.conversations import IGNORED

Ints: TypeAlias = NDArray[np.int64]
Keys: TypeAlias = NDArray[np.uint64]
STEP = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that contexts get different keys but for chance: about 1 in 10 million where there are 1 M of them."""
TOKEN_BITS = 32


@dataclass(frozen=True)
class Order:
    """What followed each context of one length. An entry is a token that followed at least once."""

    contexts: Keys
    """Keys of the contexts, ascending (contexts,)."""
    starts: Ints
    """First entry of each context, and the number of entries at the end (contexts + 1,)."""
    tokens: Ints
    counts: NDArray[np.float32]
    """How often it followed (entries,); below the longest group, after how many different tokens."""
    discount: float

    @cached_property
    def pairs(self) -> Ints:
        """Each entry as its context's place and its token in one number, ascending (entries,)."""
        owners = np.repeat(np.arange(len(self.contexts)), np.diff(self.starts))
        return np.asarray(owners << TOKEN_BITS | self.tokens)

    @cached_property
    def totals(self) -> NDArray[np.float64]:
        """How much was counted after each context (contexts,)."""
        return np.add.reduceat(self.counts, self.starts[:-1], dtype=np.float64)

    def chances(self, keys: Keys, tokens: Ints, below: NDArray[np.float64]) -> NDArray[np.float64]:
        """Chances (n,) of these tokens (n,) after these contexts, from those after the contexts one token shorter."""
        places, known = self._find(keys)
        wanted = places << TOKEN_BITS | tokens[known]
        entries = np.minimum(np.searchsorted(self.pairs, wanted), len(self.pairs) - 1)
        seen = np.where(self.pairs[entries] == wanted, self.counts[entries] - self.discount, 0.0)
        left = self.discount * np.diff(self.starts)[places]
        chances = below.copy()
        chances[known] = (seen + left * below[known]) / self.totals[places]
        return chances

    def spread(self, keys: Keys, below: NDArray[np.float32]) -> NDArray[np.float32]:
        """Chances (n, vocabulary) of what follows these contexts, from those of the contexts one token shorter."""
        places, known = self._find(keys)
        first, totals = self.starts[places], self.totals[places]
        sizes = self.starts[places + 1] - first
        entries = np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        chances = below.copy()
        chances[known] *= (self.discount * sizes / totals).astype(np.float32)[:, None]
        share = (self.counts[entries] - self.discount) / np.repeat(totals, sizes)
        chances[np.repeat(known, sizes), self.tokens[entries]] += share.astype(np.float32)
        return chances

    def _find(self, keys: Keys) -> tuple[Ints, Ints]:
        """Where the contexts that occurred stand, and which of the keys these are."""
        places = np.minimum(np.searchsorted(self.contexts, keys), len(self.contexts) - 1)
        known = np.flatnonzero(self.contexts[places] == keys)
        return places[known], known


def surprise(orders: Sequence[Order], inputs: Ints, targets: Ints, vocabulary: int) -> NDArray[np.float64]:
    """Nats (B, T) of `targets` (B, T) after `inputs` (B, T) up to there; 0 where they are IGNORED."""
    counted = targets != IGNORED
    chances = np.full(targets.shape, 1 / vocabulary)
    keys = np.zeros(inputs.shape, np.uint64)
    for back, order in enumerate(orders):
        if back:
            keys = with_earlier(keys, inputs, back)
        known = counted & (np.arange(inputs.shape[1]) >= back - 1)
        chances[known] = order.chances(keys[known], targets[known], chances[known])
    return np.where(counted, -np.log(chances), 0.0)


def count_orders(inputs: Ints, targets: Ints, longest: int) -> list[Order]:
    """Counts of what follows no, one, two ... tokens: `targets` (N,) after `inputs` (N,), IGNORED ones left out.

    The longest contexts are counted as often as they occur; a shorter one counts each token before it once.
    """
    keys = [np.zeros(len(inputs), np.uint64)]
    for back in range(1, longest):
        keys.append(with_earlier(keys[-1][None], inputs[None], back)[0])
    places = np.flatnonzero(targets != IGNORED)
    places = places[places >= longest - 2] if longest > 1 else places
    orders: list[Order] = []
    for contexts in reversed(keys):
        order, places = _count(contexts[places], targets[places], places)
        orders.insert(0, order)
    return orders


def _count(contexts: Keys, tokens: Ints, places: Ints) -> tuple[Order, Ints]:
    """The entries of one length, and for each a place where it occurs."""
    by_context = np.lexsort((tokens, contexts))
    contexts, tokens = contexts[by_context], tokens[by_context]
    is_new = np.ones(len(tokens), bool)
    is_new[1:] = (contexts[1:] != contexts[:-1]) | (tokens[1:] != tokens[:-1])
    entries = np.flatnonzero(is_new)
    counts = np.diff(np.append(entries, len(tokens))).astype(np.float32)
    distinct, starts = np.unique(contexts[entries], return_index=True)
    once, twice = int((counts == 1).sum()), int((counts == 2).sum())
    discount = once / (once + 2 * twice) if once and twice else 0.5
    order = Order(distinct, np.append(starts, len(entries)), tokens[entries], counts, discount)
    return order, places[by_context[entries]]


def with_earlier(keys: Keys, tokens: Ints, back: int) -> Keys:
    """Keys (B, T) of contexts one token longer, the one `back` - 1 places earlier; 0 where there is none."""
    earlier = np.zeros_like(keys)
    earlier[:, back - 1 :] = tokens[:, : max(0, tokens.shape[1] - back + 1)].astype(np.uint64) + np.uint64(1)
    with np.errstate(over="ignore"):
        mixed = (keys ^ (earlier * STEP)) * STEP
    return np.asarray(mixed ^ (mixed >> np.uint64(29)))
