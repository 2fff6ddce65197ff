"""The plane that a model of two columns divides, so that its learning can be watched."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import polars as pl

from training.events import Surface
from training.measures import Floats

GRID = 41
"""Places along each side at which the model is asked."""
MARGIN = 0.1
"""Share of a column's span that is shown beyond its ends."""
MOST_POINTS = 300
DIGITS = 4


def draw_surface(
    features: pl.DataFrame, classes: list[str], truth: np.ndarray, answer: Callable[[pl.DataFrame], Floats], step: int
) -> Surface | None:
    """The probability of the second class over the plane of both columns, with the examples in it.

    `features` (n, 2) and `truth` (n,) are those of the train part; `answer` gives probabilities (rows, classes) for a
    frame of the same columns. None unless there are two numeric columns and two classes.
    """
    if len(classes) != 2 or features.width != 2 or not all(kind.is_numeric() for kind in features.dtypes):
        return None
    known = features.with_columns(pl.Series("truth", truth)).drop_nulls().head(MOST_POINTS)
    first, second = features.columns
    x, y = (_places(known[name]) for name in (first, second))
    plane = pl.DataFrame({first: np.tile(x, GRID), second: np.repeat(y, GRID)})
    chances = answer(plane)[:, 1].reshape(GRID, GRID)
    return Surface(
        step=step,
        columns=[first, second],
        classes=classes,
        x=x.round(DIGITS).tolist(),
        y=y.round(DIGITS).tolist(),
        chances=chances.round(3).tolist(),
        points=[(float(a), float(b), int(c)) for a, b, c in known.iter_rows()],
    )


def _places(column: pl.Series) -> Floats:
    values = column.cast(pl.Float64).to_numpy()
    margin = MARGIN * float(np.ptp(values)) or 1.0
    return np.linspace(values.min() - margin, values.max() + margin, GRID)
