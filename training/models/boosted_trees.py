"""Boosted trees by LightGBM and CatBoost, grown one round at a time; kept in the libraries' own text formats."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, Protocol, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.architectures import Round, Rounds
from training.errors import TrainingError
from training.examples import Part
from training.measures import Floats, Ints
from training.order import moments

if TYPE_CHECKING:
    from training.architectures.boosted_trees import BoostedTreesSettings
    from training.objectives.tabular import Table
    from training.recipes import Recipe

FEW_COLUMNS = 100
MOST_CELLS = 40_000_000
"""Numbers above which LightGBM is given the rows some at a time, so that it alone holds them, as one byte each."""
ROWS_AT_ONCE = 65_536
Library: TypeAlias = Literal["lightgbm", "catboost"]


class Forest(Protocol):
    """Grown trees of one library."""

    def raw(self, numbers: Floats, codes: Ints, rounds: int) -> Floats:
        """Sums over the trees of the first `rounds`: (rows,), or (rows, classes) where there are more than two."""

    def save(self, folder: Path, rounds: int) -> None:
        """Write the trees of the first `rounds`."""


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
    growing = _grow_lightgbm if model.library == "lightgbm" else _grow_catboost
    for number, points in enumerate(growing(model, rows, settings, recipe, table.device.threads), start=1):
        model.rounds.fill_(number)
        yield points


class Rows(NamedTuple):
    """The rows of one part."""

    numbers: Floats
    codes: Ints
    targets: NDArray[Any]
    weights: Floats | None
    """How much each counts in the loss (n,); None if all count alike."""

    def matrix(self, some: int | slice | list[int] = slice(None)) -> Floats:
        """Numbers, then codes: (n, columns) of some of the rows, (columns,) of one."""
        return np.concatenate([self.numbers[some], self.codes[some]], axis=-1)


def _rows(table: Table, part: Part) -> Rows:
    targets = table.targets[part].cpu().numpy()
    known = np.ones(len(targets), bool) if targets.dtype.kind == "f" else targets >= 0
    numbers, codes = table.numbers[part].cpu().numpy(), table.codes[part].cpu().numpy()
    weights = None if table.weights is None or part != "train" else table.weights.double().cpu().numpy()[targets]
    if known.all():
        return Rows(numbers, codes, targets, weights)  # as they lie, perhaps in a mapped file
    return Rows(numbers[known], codes[known], targets[known], weights)


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


def _grow_lightgbm(
    model: BoostedTrees, rows: dict[str, Rows], settings: BoostedTreesSettings, recipe: Recipe, threads: int
) -> Rounds:
    import lightgbm

    parameters = {
        **_lightgbm_objective(model.outputs),
        "num_leaves": settings.leaves,
        "learning_rate": recipe.lr,
        "min_data_in_leaf": settings.least_rows,
        "bagging_fraction": settings.row_share,
        "bagging_freq": int(settings.row_share < 1),
        "feature_fraction": settings.column_share,
        "lambda_l2": settings.l2,
        "cat_smooth": settings.category_rows,
        "seed": recipe.seed,
        "num_threads": threads,
        "deterministic": True,
        "verbosity": -1,
    }
    learnt, watched = rows["train"], rows["val"]
    numbers, columns = learnt.numbers.shape[1], learnt.numbers.shape[1] + learnt.codes.shape[1]
    parameters["force_row_wise" if columns <= FEW_COLUMNS else "force_col_wise"] = True  # the quicker way for each
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


def _grow_catboost(
    model: BoostedTrees, rows: dict[str, Rows], settings: BoostedTreesSettings, recipe: Recipe, threads: int
) -> Rounds:
    """CatBoost grows all its trees in one call, so it works in a thread of its own."""
    catboost = _catboost()
    loss = {1: "RMSE", 2: "Logloss"}.get(model.outputs, "MultiClass")
    trees = catboost.CatBoost(
        {
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
    )
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
