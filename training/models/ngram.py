"""Counted groups of tokens that write: the next token from the few before it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from training.architectures import Rounds
from training.conversations import IGNORED

if TYPE_CHECKING:
    from training.objectives.language import Language

Ints: TypeAlias = NDArray[np.int64]
Keys: TypeAlias = NDArray[np.uint64]
FILE = "ngrams.safetensors"
STEP = np.uint64(0x9E3779B97F4A7C15)
"""Odd, so that contexts get different keys but for chance: about 1 in 10 million where there are 1 M of them."""


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

    def spread(self, keys: Keys, below: NDArray[np.float32]) -> NDArray[np.float32]:
        """Chances (n, vocabulary) of what follows these contexts, from those of the contexts one token shorter."""
        places = np.minimum(np.searchsorted(self.contexts, keys), len(self.contexts) - 1)
        known = np.flatnonzero(self.contexts[places] == keys)
        first, last = self.starts[places[known]], self.starts[places[known] + 1]
        sizes = last - first
        entries = np.repeat(first - np.cumsum(sizes) + sizes, sizes) + np.arange(sizes.sum())
        totals = np.add.reduceat(self.counts[entries], np.cumsum(sizes) - sizes) if len(known) else np.empty(0)
        chances = below.copy()
        chances[known] *= (self.discount * sizes / totals).astype(np.float32)[:, None]
        share = (self.counts[entries] - self.discount) / np.repeat(totals, sizes)
        chances[np.repeat(known, sizes), self.tokens[entries]] += share.astype(np.float32)
        return chances


class Ngram(nn.Module):
    """Token ids (B, T) in, logarithms of the chances of the next token (B, T, vocabulary) out; it has no weights.

    Interpolated Kneser-Ney smoothing: Kneser and Ney, 1995, in the form of Chen and Goodman, 1999. The discount of
    each length is n1 / (n1 + 2 n2), from how many entries were counted once and twice.
    """

    def __init__(self, vocabulary: int, longest: int) -> None:
        super().__init__()
        self.vocabulary, self.longest = vocabulary, longest
        self.length = 0  # it can go on for ever
        self.orders: list[Order] = []

    def forward(self, ids: Tensor) -> Tensor:
        tokens = ids.cpu().numpy()
        chances = np.full((tokens.size, self.vocabulary), 1 / self.vocabulary, np.float32)
        keys = np.zeros(tokens.shape, np.uint64)
        for back, order in enumerate(self.orders):
            if back:
                keys = _with_earlier(keys, tokens, back)
            whole = np.broadcast_to(np.arange(tokens.shape[1]) >= back - 1, tokens.shape).ravel()
            chances[whole] = order.spread(keys.ravel()[whole], chances[whole])
        return torch.from_numpy(np.log(chances)).view(*ids.shape, -1).to(ids.device)

    def read(self, ids: Tensor, memory: Tensor | None) -> tuple[Tensor, Tensor]:
        """Read on from where `memory` ends: scores of the next token (B, vocabulary), and the last tokens read."""
        seen = ids if memory is None else torch.cat([memory, ids], dim=1)
        seen = seen[:, -max(1, self.longest - 1) :]
        return self(seen)[:, -1], seen

    def save_files(self, folder: Path) -> None:
        kept: dict[str, NDArray[np.generic]] = {}
        for number, order in enumerate(self.orders):
            kept |= {
                f"{number}.contexts": order.contexts.view(np.int64),
                f"{number}.starts": order.starts,
                f"{number}.tokens": order.tokens,
                f"{number}.counts": order.counts,
                f"{number}.discount": np.array([order.discount]),
            }
        save_file(kept, folder / FILE)

    def load_files(self, folder: Path) -> None:
        kept = load_file(folder / FILE)
        for number in range(self.longest):
            names = (f"{number}.{name}" for name in ("contexts", "starts", "tokens", "counts", "discount"))
            contexts, starts, tokens, counts, discount = (kept[name] for name in names)
            self.orders.append(Order(contexts.view(np.uint64), starts, tokens, counts, float(discount[0])))


def count(model: Ngram, objective: Language) -> Rounds:
    """Count single tokens, then pairs, then longer groups; after each the losses with groups up to this length."""
    inputs, targets = objective.flat("train")
    for longest in range(1, model.longest + 1):
        model.orders = count_orders(inputs, targets, longest)
        yield {f"val/{name}": value for name, value in objective.evaluate(model, "val").items()}


def count_orders(inputs: Ints, targets: Ints, longest: int) -> list[Order]:
    """Counts of what follows no, one, two ... tokens: `targets` (N,) after `inputs` (N,), IGNORED ones left out.

    The longest contexts are counted as often as they occur; a shorter one counts each token before it once.
    """
    keys = [np.zeros(len(inputs), np.uint64)]
    for back in range(1, longest):
        keys.append(_with_earlier(keys[-1][None], inputs[None], back)[0])
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


def _with_earlier(keys: Keys, tokens: Ints, back: int) -> Keys:
    """Keys (B, T) of contexts one token longer, the one `back` - 1 places earlier; 0 where there is none."""
    earlier = np.zeros_like(keys)
    earlier[:, back - 1 :] = tokens[:, : max(0, tokens.shape[1] - back + 1)].astype(np.uint64) + np.uint64(1)
    with np.errstate(over="ignore"):
        mixed = (keys ^ (earlier * STEP)) * STEP
    return np.asarray(mixed ^ (mixed >> np.uint64(29)))
