"""Several conversations side by side in one row, each of which sees only itself, so that hardly anything is filled up.

What "padding-free" training does: Krell et al., "Efficient sequence packing without cross-contamination", 2021,
https://arxiv.org/abs/2107.02027
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

ROW = 512
"""Tokens of a row, or of its only conversation: longer rows cost more attention than they save in filling."""


@dataclass(frozen=True)
class Packed:
    """Some conversations in a few rows."""

    ids: Tensor
    """(R, T) int64."""
    places: Tensor
    """Place of each token in its own conversation, (R, T) int64; 0 begins the next one, and fills up."""
    targets: Tensor
    """(R, T) int64; IGNORED where nothing is learnt."""


def lay_out(lengths: Sequence[int]) -> list[list[int]]:
    """Numbers of the pieces in each row, in as many rows of about `ROW` to twice that as leave the least to fill up."""
    total, longest = sum(lengths), max(ROW, *lengths)
    counts = range(math.ceil(total / longest), math.ceil(total / (2 * longest)) - 1, -1)
    return min((_share_among(lengths, count) for count in counts), key=lambda rows: _taken(lengths, rows))


def filled_up(lengths: Sequence[int], rows: Sequence[Sequence[int]]) -> int:
    """Tokens that only fill these rows of pieces up."""
    return _taken(lengths, rows) - sum(lengths)


def _share_among(lengths: Sequence[int], count: int) -> list[list[int]]:
    """So many rows of near alike length: the longest piece goes first, always into the emptiest row.

    Graham, "Bounds on multiprocessing timing anomalies", 1969, https://doi.org/10.1137/0117039
    """
    rows: list[list[int]] = [[] for _ in range(count)]
    filled = [0] * count
    for piece in sorted(range(len(lengths)), key=lambda number: -lengths[number]):
        row = filled.index(min(filled))
        rows[row].append(piece)
        filled[row] += lengths[piece]
    return rows


def _taken(lengths: Sequence[int], rows: Sequence[Sequence[int]]) -> int:
    return len(rows) * max(sum(lengths[piece] for piece in row) for row in rows)


def places_in_rows(starts: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Where each token of the rows stands among all tokens, -1 where it is filled up, and in its conversation.

    Of conversations that start at `starts` (B,) and have `lengths` (B,): two of (R, T), int64.
    """
    rows = lay_out(lengths.tolist())
    sizes = [int(lengths[row].sum()) for row in rows]
    among, within = torch.full((len(rows), max(sizes)), -1), torch.zeros(len(rows), max(sizes), dtype=torch.int64)
    for number, row in enumerate(rows):
        steps = torch.cat([torch.arange(int(lengths[piece])) for piece in row])
        within[number, : sizes[number]] = steps
        among[number, : sizes[number]] = steps + starts[row].repeat_interleave(lengths[row])
    return among, within


def apart(places: Tensor) -> Tensor:
    """Which tokens each token of packed rows (B, T) may look at, itself and those before in its own text: (B, T, T)."""
    text = (places == 0).cumsum(1)
    return (text[:, :, None] == text[:, None, :]).tril()


@torch.no_grad()
def keeps_apart(model: nn.Module) -> bool:
    """Whether the scores of a text stay as they are when another one stands before it in the row."""
    ids, places = torch.tensor([0, 1, 1, 0]), torch.tensor([0, 1, 0, 1])  # as every vocabulary and context has them
    device = next(model.parameters()).device
    learning = model.training
    model.eval()
    try:
        together, alone = model(ids[None].to(device), places[None].to(device)), model(ids[None, 2:].to(device))
    except TypeError:  # a network that has no word for places
        return False
    finally:
        model.train(learning)
    return torch.allclose(together[:, 2:], alone, rtol=1e-3, atol=1e-3)
