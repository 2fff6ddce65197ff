"""Trees by CatBoost, kept in its own JSON format."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from training.architectures import Round, Rounds
from training.errors import TrainingError
from training.measures import Floats, Ints
from training.models.forest import Rows
from training.order import moments

if TYPE_CHECKING:
    from training.architectures.boosted_trees import BoostedTreesSettings
    from training.models.boosted_trees import BoostedTrees
    from training.recipes import Recipe


class CatBoostForest:
    """A CatBoost model, which reads categories as names."""

    def __init__(self, trees: Any) -> None:
        self.trees = trees

    def raw(self, numbers: Floats, codes: Ints, rounds: int) -> Floats:
        features = _catboost_features(numbers, codes)
        return np.asarray(self.trees.predict(features, prediction_type="RawFormulaVal", ntree_end=rounds))

    def save(self, folder: Path, rounds: int) -> None:
        if self.trees.tree_count_ > rounds:
            self.trees.shrink(rounds)
        self.trees.save_model(str(folder / "catboost.json"), format="json")

    @classmethod
    def load(cls, folder: Path) -> CatBoostForest:
        """Read what `save` wrote."""
        trees = _catboost().CatBoost()
        trees.load_model(str(folder / "catboost.json"), format="json")
        return cls(trees)


def grow_catboost(
    model: BoostedTrees, rows: dict[str, Rows], settings: BoostedTreesSettings, recipe: Recipe, threads: int
) -> Rounds:
    """Like `grow_lightgbm`; CatBoost grows all its trees in one call, so it works in a thread of its own."""
    catboost = _catboost()
    loss = {1: "RMSE", 2: "Logloss"}.get(model.outputs, "MultiClass")
    trees = catboost.CatBoost(_catboost_parameters(loss, settings, recipe, threads))
    pools = {
        part: catboost.Pool(_catboost_features(some.numbers, some.codes), some.targets, weight=some.weights)
        for part, some in rows.items()
    }
    rounds = _Rounds(loss)
    work = threading.Thread(
        target=rounds.run,
        args=(lambda: trees.fit(pools["train"], eval_set=pools["val"], callbacks=[rounds]),),
        daemon=True,
    )
    work.start()
    try:
        looks = set(moments(round(recipe.epochs), recipe.evaluations))
        for number, points in enumerate(rounds, start=1):
            yield points if number in looks else {}
    finally:
        rounds.stop()
        work.join()
        model.forest = CatBoostForest(trees)


def _catboost_parameters(loss: str, settings: BoostedTreesSettings, recipe: Recipe, threads: int) -> dict[str, object]:
    return {
        "loss_function": loss,
        "iterations": round(recipe.epochs),
        "learning_rate": recipe.lr,
        "depth": min(12, max(1, round(np.log2(settings.leaves)))),
        "bootstrap_type": "Bernoulli" if settings.row_share < 1 else "No",
        **({"subsample": settings.row_share} if settings.row_share < 1 else {}),
        "rsm": settings.column_share,
        "l2_leaf_reg": settings.l2 or 3.0,
        "random_seed": recipe.seed,
        "thread_count": threads,
        "use_best_model": False,
        "allow_writing_files": False,
        "verbose": False,
    }


class _Rounds:
    """CatBoost's callback on one side, an iterator over its rounds on the other."""

    def __init__(self, loss: str) -> None:
        self.loss = loss
        self._told: queue.SimpleQueue[Round | BaseException | None] = queue.SimpleQueue()
        self._stopped = threading.Event()

    def run(self, fit: Callable[[], object]) -> None:
        """What the thread does; an error crosses over to the other thread, which raises it."""
        try:
            fit()
            self._told.put(None)
        except BaseException as error:
            self._told.put(error)

    def after_iteration(self, info: Any) -> bool:
        """Called by CatBoost after each round; false ends its work."""
        learn, held_out = (info.metrics[part][self.loss][-1] for part in ("learn", "validation"))
        power = 2 if self.loss == "RMSE" else 1
        self._told.put({"train/loss": learn**power, "val/loss": held_out**power})
        return not self._stopped.is_set()

    def stop(self) -> None:
        """End the work after the round at hand."""
        self._stopped.set()

    def __iter__(self) -> Iterator[Round]:
        while (told := self._told.get()) is not None:
            if isinstance(told, BaseException):
                raise told
            yield told


def _catboost_features(numbers: Floats, codes: Ints) -> Any:
    names = np.empty(codes.shape, dtype=object)
    names[:] = np.char.mod(b"%d", codes).tolist()
    return _catboost().FeaturesData(
        num_feature_data=numbers.astype(np.float32) if numbers.shape[1] else None,
        cat_feature_data=names if codes.shape[1] else None,
    )


def _catboost() -> Any:
    try:
        import catboost
    except ImportError as error:
        raise TrainingError(
            "CatBoost is not installed here.", "Take LightGBM, or install it: pip install catboost.", code="no_catboost"
        ) from error
    return catboost
