"""Class names and their numbers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.errors import TrainingError
from training.objectives import Guess


def as_names(column: pl.Series) -> list[str]:
    """Class names as people write them: 1, not 1.0; empty where there is none."""
    if column.dtype.is_float() and bool((column.drop_nulls().round(0) == column.drop_nulls()).all()):
        column = column.cast(pl.Int64)
    return [value or "" for value in column.cast(pl.String).to_list()]


def learn_labels(names: Sequence[str], column: str) -> list[str]:
    """The classes of the train part in order; raises TrainingError if there is nothing to tell apart."""
    labels = sorted(set(names), key=_natural)
    if len(labels) < 2:
        raise TrainingError(
            f"“{column}” is always “{labels[0]}” in the examples to learn from.",
            "Choose a column with at least two different values.",
            code="one_class",
        )
    if len(labels) > 1000:
        raise TrainingError(
            f"“{column}” has {len(labels):,} different values, too many for categories.",
            "Choose another column, or predict it as a number.",
            code="too_many_classes",
        )
    return labels


def encode(names: Sequence[str], labels: Sequence[str]) -> NDArray[np.int64]:
    """Class numbers (n,); -1 for a class that the train part does not have."""
    numbers = {label: number for number, label in enumerate(labels)}
    return np.array([numbers.get(name, -1) for name in names], dtype=np.int64)


def majority(truth: NDArray[np.int64], labels: Sequence[str], examples: int) -> Guess:
    """The baseline that always answers with the classes' shares in the train part (its commonest class)."""
    shares = np.bincount(truth[truth >= 0], minlength=len(labels)) / max(1, (truth >= 0).sum())
    common = labels[int(shares.argmax())]
    return Guess(
        key="majority",
        title=f"Always saying “{common}”",
        about="What comes out without looking at the example: the commonest class every time.",
        answers=np.tile(shares, (examples, 1)),
    )


def _natural(label: str) -> tuple[int, float, str]:
    """Numbers by size, before words by alphabet."""
    try:
        return (0, float(label), label)
    except ValueError:
        return (1, 0.0, label)
