"""A draw of the examples with repeats, so that each member of an ensemble learns from other ones."""

from __future__ import annotations

import copy
from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from training.examples import Part
from training.objectives import Objective


@runtime_checkable
class HoldsRows(Protocol):
    """An objective on tables, with what is learnt from in tensors of one row per example."""

    numbers: dict[Part, Tensor]
    codes: dict[Part, Tensor]
    targets: dict[Part, Tensor]


Rows = TypeVar("Rows", bound=HoldsRows)


def with_rows(objective: Rows, rows: Tensor) -> Rows:
    """The objective with these places (n,) of the train part, and no others, to learn from."""
    same = copy.copy(objective)
    for name in ("numbers", "codes", "targets"):
        parts = getattr(objective, name)
        setattr(same, name, parts | {"train": parts["train"][rows.to(parts["train"].device)]})
    return same


class Bag:
    """As many examples as the train part has, drawn from it with repeats: about 63 % of them are in it.

    Breiman, "Bagging predictors", 1996, https://doi.org/10.1007/BF00058655
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def rows(self, examples: int) -> Tensor:
        """The example numbers that are drawn, in ascending order: int64 (examples,)."""
        generator = torch.Generator().manual_seed(self.seed)
        return torch.randint(examples, (examples,), generator=generator).sort().values

    def redraw(self, epoch: list[Tensor]) -> list[Tensor]:
        """The same number of batches of the same sizes, in which an example comes as often as it was drawn."""
        order = torch.cat(epoch)
        times = torch.bincount(self.rows(len(order)), minlength=len(order)).to(order.device)
        return list(order.repeat_interleave(times[order]).split([len(batch) for batch in epoch]))

    def redrawn(self, objective: Objective) -> Objective:
        """The objective with only these examples to learn from, where its rows can be had without batches."""
        if not isinstance(objective, HoldsRows):
            return objective
        return with_rows(objective, self.rows(len(objective.targets["train"])))
