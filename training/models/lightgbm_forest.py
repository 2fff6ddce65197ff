"""Trees by LightGBM, kept in its own text format."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.architectures import Round, Rounds
from training.measures import Floats, Ints
from training.models.forest import Rows
from training.order import moments

if TYPE_CHECKING:
    from training.architectures.boosted_trees import BoostedTreesSettings
    from training.models.boosted_trees import BoostedTrees
    from training.recipes import Recipe

FEW_COLUMNS = 100
MOST_CELLS = 40_000_000
"""Numbers above which LightGBM is given the rows some at a time, so that it alone holds them, as one byte each."""
ROWS_AT_ONCE = 65_536


class LightGBMForest:
    """A LightGBM booster; category codes come after the numbers."""

    def __init__(self, booster: Any) -> None:
        self.booster = booster

    def raw(self, numbers: Floats, codes: Ints, rounds: int) -> Floats:
        features = np.concatenate([numbers, codes], axis=1)
        return np.asarray(self.booster.predict(features, raw_score=True, num_iteration=rounds, num_threads=1))

    def save(self, folder: Path, rounds: int) -> None:
        self.booster.save_model(str(folder / "lightgbm.txt"), num_iteration=rounds)

    @classmethod
    def load(cls, folder: Path) -> LightGBMForest:
        """Read what `save` wrote."""
        import lightgbm

        return cls(lightgbm.Booster(model_file=str(folder / "lightgbm.txt")))


def grow_lightgbm(
    model: BoostedTrees, rows: dict[str, Rows], settings: BoostedTreesSettings, recipe: Recipe, threads: int
) -> Rounds:
    """Grow `recipe.epochs` rounds of trees into the model; yields losses `recipe.evaluations` times."""
    import lightgbm

    learnt, watched = rows["train"], rows["val"]
    numbers, columns = learnt.numbers.shape[1], learnt.numbers.shape[1] + learnt.codes.shape[1]
    parameters = _lightgbm_parameters(model.outputs, settings, recipe, columns=columns, threads=threads)
    categories = list(range(numbers, columns))
    train = lightgbm.Dataset(
        _readable(learnt), learnt.targets, weight=learnt.weights, categorical_feature=categories, params=parameters
    )
    booster = lightgbm.Booster(parameters, train)
    booster.add_valid(train.create_valid(_readable(watched), watched.targets), "val")
    model.forest = LightGBMForest(booster)
    rounds = round(recipe.epochs)
    looks = set(moments(rounds, recipe.evaluations))
    for number in range(1, rounds + 1):
        booster.update()
        yield _lightgbm_losses(booster) if number in looks else {}


def _lightgbm_parameters(
    outputs: int, settings: BoostedTreesSettings, recipe: Recipe, *, columns: int, threads: int
) -> dict[str, object]:
    return {
        **_lightgbm_objective(outputs),
        "num_leaves": settings.leaves,
        "learning_rate": recipe.lr,
        "min_data_in_leaf": settings.least_rows,
        "bagging_fraction": settings.row_share,
        "bagging_freq": int(settings.row_share < 1),
        "feature_fraction": settings.column_share,
        "lambda_l2": settings.l2,
        "cat_smooth": settings.category_rows,
        "max_cat_to_onehot": settings.single_categories,
        "seed": recipe.seed,
        "num_threads": threads,
        "deterministic": True,
        "verbosity": -1,
        "force_row_wise" if columns <= FEW_COLUMNS else "force_col_wise": True,  # the quicker way for each
    }


def _readable(rows: Rows) -> Any:
    """The rows as LightGBM reads them: a matrix, or some at a time where they are many."""
    import lightgbm

    class InBatches(lightgbm.Sequence):
        batch_size = ROWS_AT_ONCE

        def __len__(self) -> int:
            return len(rows.targets)

        def __getitem__(self, place: int | slice | list[int]) -> Floats:
            return rows.matrix(place)

    return InBatches() if rows.numbers.size + rows.codes.size > MOST_CELLS else rows.matrix()


def _lightgbm_losses(booster: Any) -> Round:
    return {"train/loss": float(booster.eval_train()[0][2]), "val/loss": float(booster.eval_valid()[0][2])}


def _lightgbm_objective(outputs: int) -> dict[str, object]:
    """Squared error of the standardised target, or cross-entropy in nats."""
    if outputs == 1:
        return {"objective": "regression", "metric": "l2"}
    if outputs == 2:
        return {"objective": "binary", "metric": "binary_logloss"}
    return {"objective": "multiclass", "metric": "multi_logloss", "num_class": outputs}
