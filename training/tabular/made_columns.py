"""Columns made of columns, for what two of them say only together: ratios of counts, and turned axes."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
from pydantic import BaseModel, ConfigDict

from training.measures import Floats

LIKE_SIZE = 30.0
"""How many times larger one count may be than another that it is divided by, at the median."""
LIKE_SPREAD = 2.0
"""How many times wider one number may spread than another that it is turned with."""
MOST_PAIRS = 30
"""With more pairs than that none stands out, and none is used."""
ANGLES = (15, 30, 45, 60, 75, 105, 120, 135, 150, 165)

Pairs: TypeAlias = list[tuple[str, str]]


@runtime_checkable
class MakesColumns(Protocol):
    """Settings of an architecture that can learn from such columns."""

    made: bool


class Made(BaseModel):
    """How a column is made of two others: one divided by the other, or a slanting axis of the map that they span."""

    model_config = ConfigDict(frozen=True)

    one: str
    other: str
    angle: int | None = None
    """Degrees by which the axis slants; None for a ratio."""

    @property
    def title(self) -> str:
        """What the column is called."""
        if self.angle is None:
            return f"{self.one} / {self.other}"
        return f"{self.one} and {self.other} at {self.angle}°"

    def of(self, columns: Mapping[str, Floats]) -> Floats:
        """The values (rows,); what has a gap, or is divided by 0, is a gap."""
        one, other = columns[self.one], columns[self.other]
        if self.angle is None:
            return np.asarray(np.divide(one, other, out=np.full(len(one), np.nan), where=other > 0))
        return np.asarray(one * np.cos(np.deg2rad(self.angle)) + other * np.sin(np.deg2rad(self.angle)))


def find_made(columns: Mapping[str, Floats]) -> list[Made]:
    """Which columns to make of numbers by their names, each (rows,) with gaps as NaN and at least one value.

    Counts of like size are divided by each other; other numbers that spread alike, such as longitude and latitude, are
    turned as the axes of a map are. Rotation as in J. Rodríguez et al., "Rotation forest", 2006,
    https://doi.org/10.1109/TPAMI.2006.211
    """
    counts = {name for name, column in columns.items() if _is_count(column)}
    middle = {name: float(np.nanmedian(column)) for name, column in columns.items()}
    spread = {name: float(np.nanstd(column)) for name, column in columns.items()}
    ratios, turns = [], []
    for one, other in combinations(columns, 2):
        if {one, other} <= counts:
            ratios += [(one, other)] if is_like(middle[one], middle[other], LIKE_SIZE) else []
        else:
            turns += [(one, other)] if is_like(spread[one], spread[other], LIKE_SPREAD) else []
    divided = [Made(one=one, other=other) for one, other in few_pairs(ratios)]
    return divided + [Made(one=one, other=other, angle=angle) for one, other in few_pairs(turns) for angle in ANGLES]


def few_pairs(pairs: Pairs) -> Pairs:
    """The pairs, or none where they are so many that none stands out."""
    return pairs if len(pairs) <= MOST_PAIRS else []


def _is_count(column: Floats) -> bool:
    """Whether all its values are whole and none is below zero."""
    there = column[np.isfinite(column)]
    return bool((there >= 0).all() and (there == np.round(there)).all())


def is_like(one: float, other: float, most: float) -> bool:
    """Whether neither of two numbers above zero is more than so many times the other."""
    return bool(min(one, other) > 0 and max(one, other) <= most * min(one, other))
