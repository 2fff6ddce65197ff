"""Columns made of columns, which trees cannot find by cutting one number at a time: ratios and turned axes."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np

from training.measures import Floats

Pairs: TypeAlias = list[tuple[int, int]]

FILE = "made_columns.json"
LIKE_SIZE = 30.0
"""How many times larger one count may be than another that it is divided by, at the median."""
LIKE_SPREAD = 2.0
"""How many times wider one number may spread than another that it is turned with."""
MOST_PAIRS = 30
"""With more pairs than that none stands out, and none is used."""
ANGLES = np.deg2rad((15, 30, 45, 60, 75, 105, 120, 135, 150, 165))


@dataclass(frozen=True)
class MadeColumns:
    """Which pairs of numeric columns make further ones: rooms per household, places seen along a slanting axis.

    Counts of like size are divided by each other; other numbers that spread alike, such as longitude and latitude, are
    turned as the axes of a map are. Rotation as in J. Rodríguez et al., "Rotation forest", 2006,
    https://doi.org/10.1109/TPAMI.2006.211
    """

    ratios: Pairs
    turns: Pairs

    @classmethod
    def learn(cls, numbers: Floats) -> MadeColumns:
        """Look at numbers (rows, columns), gaps as NaN, of which each has at least one value."""
        counts = [_is_count(column) for column in numbers.T]
        middle, spread = np.nanmedian(numbers, axis=0), np.nanstd(numbers, axis=0)
        pairs = list(combinations(range(numbers.shape[1]), 2))
        both = [(one, other) for one, other in pairs if counts[one] and counts[other]]
        others = [(one, other) for one, other in pairs if not (counts[one] and counts[other])]
        ratios = [(one, other) for one, other in both if _is_like(middle[one], middle[other], LIKE_SIZE)]
        turns = [(one, other) for one, other in others if _is_like(spread[one], spread[other], LIKE_SPREAD)]
        return cls(*(found if len(found) <= MOST_PAIRS else [] for found in (ratios, turns)))

    def add_to(self, numbers: Floats) -> Floats:
        """Numbers (rows, columns) with the made ones behind; what has a gap, or is divided by 0, is a gap."""
        made = [_ratio(numbers[:, one], numbers[:, other]) for one, other in self.ratios]
        made += [
            numbers[:, one] * np.cos(angle) + numbers[:, other] * np.sin(angle)
            for one, other in self.turns
            for angle in ANGLES
        ]
        return np.column_stack([numbers, *made]) if made else numbers

    def save(self, folder: Path) -> None:
        """Write the pairs, if there are any."""
        if self.ratios or self.turns:
            (folder / FILE).write_text(json.dumps(asdict(self)))

    @classmethod
    def load(cls, folder: Path) -> MadeColumns:
        """Read what `save` wrote."""
        path = folder / FILE
        return cls(**json.loads(path.read_text())) if path.exists() else cls([], [])


def _is_count(column: Floats) -> bool:
    """Whether all its values are whole and none is below zero."""
    there = column[np.isfinite(column)]
    return bool((there >= 0).all() and (there == np.round(there)).all())


def _is_like(one: float, other: float, most: float) -> bool:
    """Whether neither of two numbers above zero is more than so many times the other."""
    return bool(min(one, other) > 0 and max(one, other) <= most * min(one, other))


def _ratio(one: Floats, other: Floats) -> Floats:
    ratio: Floats = np.divide(one, other, out=np.full(len(one), np.nan), where=other > 0)
    return ratio
