"""In which order examples come, and how many steps that makes."""

from __future__ import annotations

import math

import torch

from training.objectives import Objective
from training.recipes import Recipe


def epoch_order(seed: int, epoch: int) -> torch.Generator:
    """The random numbers that order one epoch: from seed and epoch alone, so that a resumed run draws the same."""
    return torch.Generator().manual_seed(seed * 1_000_003 + epoch)


def moments(steps: int, looks: int) -> list[int]:
    """The steps, in order, at which held-out data is looked at so often, the last step among them."""
    return sorted({max(1, round(steps * part / looks)) for part in range(1, looks + 1)})


def count_steps(objective: Objective, recipe: Recipe) -> int:
    """Corrections in the whole training: batches of an epoch, over what is accumulated, times epochs; at least 1."""
    per_epoch = len(objective.epoch(epoch_order(recipe.seed, 0), recipe.batch_size))
    return max(1, round(math.ceil(per_epoch / recipe.accumulate) * recipe.epochs))
