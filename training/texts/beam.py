"""Writing the likeliest text: several beginnings are kept and grown side by side."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

LENGTH_PENALTY = 0.6
"""How far longer texts are favoured, as in Wu et al., 2016."""


class Writes(Protocol):
    """A network that writes token by token about a source."""

    start: int
    """The token that stands before the first one written."""

    def remember(self, source: Tensor, mask: Tensor) -> Any:
        """What writing needs of sources (B, S), with `mask` true where a token stands."""

    def write(self, ids: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """Scores of the next token (B, vocabulary) after one more token `ids` (B,), and the memory with it."""

    def pick(self, memory: Any, rows: Tensor) -> Any:
        """The memory of these rows, in this order; a row may come several times."""


class Translator(Writes, Protocol):
    """A network that reads one text and writes another."""

    def __call__(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        """Scores of the next token (B, T, vocabulary) after each of `inputs` (B, T), given the source (B, S)."""

    def attention(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        """How much of the look of each token that is written falls on each one read: (B, T, S), rows sum to 1."""


@dataclass(frozen=True)
class Found:
    """The best text for each source."""

    ids: list[list[int]]
    """Without start and end mark."""
    confidence: Tensor
    """Probability per token, the geometric mean, (B,)."""


@torch.no_grad()
def search(model: Writes, source: Tensor, mask: Tensor, *, end: int, most: int, beams: int = 4) -> Found:
    """The likeliest texts of at most `most` tokens that beam search finds for sources (B, S); one beam is greedy.

    Beginnings are compared by log probability over ((5 + length) / 6) ** 0.6, as in Wu et al., "Google's neural
    machine translation system", 2016, arXiv:1609.08144.
    """
    count, device = len(source), source.device
    memory = model.pick(model.remember(source, mask), torch.arange(count, device=device).repeat_interleave(beams))
    written = torch.full((count * beams, 1), model.start, device=device)
    sums = torch.full((count, beams), -torch.inf, device=device)
    sums[:, 0] = 0.0  # at first all beams are the same, so only one counts
    done = torch.zeros(count * beams, dtype=torch.bool, device=device)
    lengths = torch.zeros(count * beams, device=device)
    first = torch.arange(count, device=device)[:, None] * beams
    for _ in range(most):
        scores, memory = model.write(written[:, -1], memory)
        gains, tokens = scores.float().log_softmax(1).topk(min(beams, scores.shape[1]), dim=1)
        gains[done], tokens[done] = -torch.inf, end
        gains[done, 0] = 0.0  # a closed text stays as it is
        longer = (lengths + (~done).float()).view(count, beams, 1)
        grown = sums[:, :, None] + gains.view(count, beams, -1)
        chosen = (grown / _penalty(longer)).flatten(1).topk(beams, dim=1).indices
        rows = (first + chosen // gains.shape[1]).flatten()
        added = tokens.view(count, -1).gather(1, chosen).flatten()
        sums = grown.flatten(1).gather(1, chosen)
        written = torch.cat([written[rows], added[:, None]], dim=1)
        lengths, done = lengths[rows] + (~done[rows]).float(), done[rows] | (added == end)
        if done.all():
            break
        memory = model.pick(memory, rows)
    best = (sums / _penalty(lengths.view(count, beams))).argmax(1)
    rows = first[:, 0] + best
    likely = sums.gather(1, best[:, None])[:, 0] / lengths[rows].clamp(min=1)
    return Found([_until(ids, end) for ids in written[rows, 1:].tolist()], likely.exp().cpu())


def _penalty(lengths: Tensor) -> Tensor:
    penalty: Tensor = ((5 + lengths) / 6) ** LENGTH_PENALTY
    return penalty


def _until(ids: list[int], end: int) -> list[int]:
    return ids[: ids.index(end)] if end in ids else ids
