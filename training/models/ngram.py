"""Counted groups of tokens that write: the next token from the few before it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from torch import Tensor, nn

from training.architectures import Rounds
from training.language.ngrams import Order, count_orders, with_earlier

if TYPE_CHECKING:
    from training.objectives.language import Language

FILE = "ngrams.safetensors"
MOST_TOKENS = 50_000_000
"""Tokens that are counted at most, so that the counts fit into memory."""


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
                keys = with_earlier(keys, tokens, back)
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
    inputs, targets = objective.flat("train", MOST_TOKENS)
    for longest in range(1, model.longest + 1):
        model.orders = count_orders(inputs, targets, longest)
        yield {f"val/{name}": value for name, value in objective.evaluate(model, "val").items()}
