"""Rows of the train part that are put aside, divided from the others as the held-out part is from all."""

from __future__ import annotations

import numpy as np
import polars as pl

from training.data.split import Parts, assign_parts
from training.examples import Examples
from training.measures import Ints
from training.spec import Split, SplitMethod, TrainSpec


def put_aside(spec: TrainSpec, examples: Examples, *, share: float) -> Ints:
    """The places in the train part of about `share` of its rows: whole groups, or the latest, where the split says so.

    Otherwise chance puts them aside, of every class the same share. Equal rows are always together.
    """
    how, column = _division(spec, examples)
    split = Split(how=how, column=spec.split.column, test=share, seed=_seed(spec, 1))
    return np.flatnonzero(_divide(examples, split, column) == "test")


def put_in_folds(spec: TrainSpec, examples: Examples, folds: int) -> Ints:
    """Which of so many parts each row of the train part is in (rows,): groups whole if the split divides by them.

    A held-out row has no equal row, and none of its group, among those that are learnt from; so it is between parts.
    """
    by_group = spec.split.how == "group"
    how: SplitMethod = "group" if by_group else "random"
    parts = np.zeros(len(examples.rows["train"]), np.int64)
    for fold in range(1, folds + 1):
        split = Split(how=how, column=spec.split.column, folds=folds, fold=fold, seed=_seed(spec, 2))
        parts[_divide(examples, split, _decides(examples) if by_group else None) == "test"] = fold - 1
    return parts


def _division(spec: TrainSpec, examples: Examples) -> tuple[SplitMethod, pl.Series | None]:
    if spec.split.how in ("group", "time"):
        return spec.split.how, _decides(examples)
    if spec.task.endswith("regression"):
        return "random", None
    return "stratified", examples.column(spec.column("target"), "train")


def _decides(examples: Examples) -> pl.Series:
    assert examples.decides is not None, "such a split is by a column"
    return examples.decides.gather(examples.rows["train"])


def _divide(examples: Examples, split: Split, column: pl.Series | None) -> Parts:
    ids = examples.ids[examples.rows["train"]]
    return assign_parts(ids, [None] * len(ids), split, column)


def _seed(spec: TrainSpec, draw: int) -> int:
    """Of another draw than that of the held-out part."""
    return (spec.split.seed + draw) % 2**31
