"""Boosted trees by LightGBM and CatBoost, grown one round at a time; kept in the libraries' own text formats."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np
import torch
from torch import Tensor, nn

from training.architectures import Rounds
from training.examples import Part
from training.models.catboost_forest import CatBoostForest, grow_catboost
from training.models.forest import Forest, Rows
from training.models.lightgbm_forest import LightGBMForest, grow_lightgbm

if TYPE_CHECKING:
    from training.architectures.boosted_trees import BoostedTreesSettings
    from training.objectives.tabular import Table
    from training.recipes import Recipe

Library: TypeAlias = Literal["lightgbm", "catboost"]


class BoostedTrees(nn.Module):
    """Rows as they are, gaps as NaN, to scores (B, outputs), from trees that `grow` has grown.

    It has no weights; its only buffer says how many rounds count.
    """

    rounds: Tensor

    def __init__(self, library: Library, outputs: int) -> None:
        super().__init__()
        self.library, self.outputs = library, outputs
        self.forest: Forest | None = None
        self.register_buffer("rounds", torch.tensor(0))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Scores (B, outputs) of plain numbers (B, n) and category codes (B, columns)."""
        assert self.forest is not None, "no trees are grown yet"
        raw = self.forest.raw(numbers.double().cpu().numpy(), codes.cpu().numpy(), int(self.rounds))
        scores = torch.from_numpy(np.ascontiguousarray(raw)).to(numbers.device)
        if self.outputs == 1:
            return scores.reshape(-1, 1)
        return scores if scores.ndim == 2 else torch.stack([torch.zeros_like(scores), scores], dim=1)

    def save_files(self, folder: Path) -> None:
        assert self.forest is not None, "no trees are grown yet"
        self.forest.save(folder, int(self.rounds))

    def load_files(self, folder: Path) -> None:
        self.forest = LightGBMForest.load(folder) if self.library == "lightgbm" else CatBoostForest.load(folder)


def grow(model: BoostedTrees, table: Table, settings: BoostedTreesSettings, recipe: Recipe) -> Rounds:
    """Grow `recipe.epochs` rounds of trees on the train part; yields the losses of both parts now and then.

    That is `recipe.evaluations` times, since on large tables telling takes longer than growing a small tree.
    """
    rows = {part: _rows(table, part) for part in ("train", "val")}
    growing = grow_lightgbm if model.library == "lightgbm" else grow_catboost
    for number, points in enumerate(growing(model, rows, settings, recipe, table.device.threads), start=1):
        model.rounds.fill_(number)
        yield points


def _rows(table: Table, part: Part) -> Rows:
    targets = table.targets[part].cpu().numpy()
    known = np.ones(len(targets), bool) if targets.dtype.kind == "f" else targets >= 0
    numbers, codes = table.numbers[part].cpu().numpy(), table.codes[part].cpu().numpy()
    weights = None if table.weights is None or part != "train" else table.weights.double().cpu().numpy()[targets]
    if known.all():
        return Rows(numbers, codes, targets, weights)  # as they lie, perhaps in a mapped file
    return Rows(numbers[known], codes[known], targets[known], weights)
