"""What the nearest rows on a map answered, as further columns; of the rows that are learnt from, as if unseen."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from pathlib import Path
from typing import Self, TypeAlias

import numpy as np
from safetensors.numpy import load_file, save_file
from scipy.spatial import cKDTree

from training.measures import Floats, Ints
from training.tabular.made_columns import LIKE_SPREAD, few_pairs, is_like

NEAREST = (3, 10, 30)
"""How many of the nearest rows are asked; what each number of them says on average is a column of its own."""
LEAST_ROWS = 200
"""Rows to learn from below which neighbours are too far away to say much."""
MOST_ANSWERS = 10
"""Answers, one for each class but the first, above which what is said of them would be too many columns."""
FOLDS = 20
"""Parts in which the rows that are learnt from are put aside, to be looked at by what the others answer."""
LEAST_GAIN = 0.25
"""How much more of the answers' variance two columns must explain together than the better of them does alone."""
FOR_CHOICE = 5_000
"""Rows by which the map is chosen at most."""
NO_DISTANCE = 1e-6
"""What is added to distances, of which some are 0."""
FILE = "neighbours.safetensors"

Columns: TypeAlias = Mapping[str, Floats]


@dataclass(frozen=True)
class Neighbours:
    """The rows that were learnt from, as points of a map that two columns span, and what they answered.

    Cover and Hart, "Nearest neighbor pattern classification", 1967, https://doi.org/10.1109/TIT.1967.1053964
    """

    axes: tuple[str, str]
    """The two columns."""
    unit: Floats
    """How long one step on each axis is, in the units of the column: (2,)."""
    places: Floats
    """Where the rows are, in these steps: (rows, 2)."""
    answers: Floats
    """What they answered: (rows, outputs)."""
    sparse: tuple[float, float] = (0.0, 1.0)
    """Centre and spread of the logarithm of the distance to the farthest row that is asked."""

    @property
    def width(self) -> int:
        """Columns that are made of it."""
        return _width(self.answers)

    @property
    def titles(self) -> list[str]:
        """What these columns are called, in order."""
        said = [f"the {count} nearest rows" for count in NEAREST for _output in range(self.answers.shape[1])]
        return [*said, "distance to the nearest rows"]

    def say(self, columns: Columns) -> Floats:
        """What the rows nearest to others answered: (rows, width), around 0; NaN where a row has no place."""
        return self._scaled(_ask(self.places, self.answers, self._placed(columns)))

    def _placed(self, columns: Columns) -> Floats:
        return np.stack([columns[name] for name in self.axes], axis=1) / self.unit

    def _scaled(self, said: Floats) -> Floats:
        centre, spread = self.sparse
        return np.concatenate([said[:, :-1], (said[:, -1:] - centre) / spread], axis=1)

    def save(self, folder: Path) -> None:
        """Write it into the model folder."""
        folder.mkdir(parents=True, exist_ok=True)
        kept = {"unit": self.unit, "places": self.places, "answers": self.answers, "sparse": np.array(self.sparse)}
        save_file({name: np.ascontiguousarray(values) for name, values in kept.items()}, folder / FILE)

    @classmethod
    def load(cls, axes: Sequence[str], folder: Path) -> Self:
        """Read what `save` wrote; the names of the columns are kept elsewhere."""
        kept = load_file(folder / FILE)
        one, other = axes
        centre, spread = kept.pop("sparse").tolist()
        return cls(axes=(one, other), sparse=(centre, spread), **kept)


def find_neighbours(columns: Columns, answers: Floats, fold: Ints) -> tuple[Neighbours, Floats] | None:
    """The map on which the nearest rows say most, with what they say of the rows themselves; None without such a map.

    columns: numbers by name, each (rows,) with gaps as NaN. answers: what the rows answered (rows, outputs), around 0.
    fold: which of `FOLDS` parts each row belongs to (rows,). What is said (rows, width) of a row comes from the rows of
    the other parts, so that no row sees its own answer: Wolpert, "Stacked generalization", 1992,
    https://doi.org/10.1016/S0893-6080(05)80023-1
    """
    some = slice(None, None, math.ceil(len(answers) / FOR_CHOICE))
    axes = _choose_map({name: values[some] for name, values in columns.items()}, answers[some], fold[some])
    if axes is None:
        return None
    unit = np.array([np.nanstd(columns[name]) for name in axes])
    places = np.stack([columns[name] for name in axes], axis=1) / unit
    said = _ask_others(places, answers, fold)
    there = np.isfinite(places).all(axis=1)
    distances = said[there, -1] = _sparseness(places[there])
    found = Neighbours(axes, unit, places[there], answers[there])
    found = replace(found, sparse=(float(distances.mean()), float(distances.std()) or 1.0))
    return found, found._scaled(said)


def _choose_map(columns: Columns, answers: Floats, fold: Ints) -> tuple[str, str] | None:
    """The two columns that explain most together of what neither does alone; None if that is little."""
    if len(answers) < LEAST_ROWS or answers.shape[1] > MOST_ANSWERS:
        return None
    spread = {name: float(np.nanstd(values)) for name, values in columns.items()}
    alike = [pair for pair in combinations(columns, 2) if is_like(spread[pair[0]], spread[pair[1]], LIKE_SPREAD)]
    pairs = few_pairs(alike)
    alone = {name: _explained([columns[name]], answers, fold) for name in {name for pair in pairs for name in pair}}
    gains = {
        pair: _explained([columns[name] for name in pair], answers, fold) - max(0.0, *(alone[name] for name in pair))
        for pair in pairs
    }
    best = max(gains, key=gains.__getitem__, default=None)
    return best if best is not None and gains[best] >= LEAST_GAIN else None


def _explained(columns: Sequence[Floats], answers: Floats, fold: Ints) -> float:
    """Share of the answers' variance that is explained by those of the ten rows nearest by some columns."""
    places = np.stack([values / np.nanstd(values) for values in columns], axis=1)
    there = np.isfinite(places).all(axis=1)
    if there.sum() < LEAST_ROWS:
        return 0.0
    outputs, known = answers.shape[1], answers[there]
    said = _ask_others(places[there], known, fold[there])[:, outputs : 2 * outputs]  # by ten of them
    varied = float(((known - known.mean(axis=0)) ** 2).sum())
    return 1 - float(((said - known) ** 2).sum()) / varied if varied else 0.0


def _ask_others(places: Floats, answers: Floats, fold: Ints) -> Floats:
    """What the nearest rows of other parts than its own say of each row: (rows, outputs of each number, 1)."""
    said = np.full((len(places), _width(answers)), np.nan)
    there = np.isfinite(places).all(axis=1)
    for part in np.unique(fold):
        others, own = there & (fold != part), fold == part
        said[own] = _ask(places[others], answers[others], places[own])
    return said


def _sparseness(places: Floats) -> Floats:
    """How far each place (rows, 2) is from the farthest of the other rows that would be asked, as a logarithm: (rows,).

    No answer is in it, so that all other rows may count, as they do for rows that are not learnt from.
    """
    farthest, _place = cKDTree(places).query(places, k=[min(max(NEAREST) + 1, len(places))])
    return np.asarray(np.log(farthest[:, 0] + NO_DISTANCE))


def _ask(known: Floats, answers: Floats, asked: Floats) -> Floats:
    """The mean answers of so many of the nearest known places, and how far away the farthest is, as a logarithm."""
    there = np.isfinite(asked).all(axis=1)
    most = min(max(NEAREST), len(known))
    distances, nearest = cKDTree(known).query(asked[there], k=list(range(1, most + 1)))
    means = [answers[nearest[:, :count]].mean(axis=1) for count in NEAREST]
    said = np.full((len(asked), _width(answers)), np.nan)
    said[there] = np.column_stack([*means, np.log(distances[:, -1] + NO_DISTANCE)])
    return said


def _width(answers: Floats) -> int:
    return len(NEAREST) * int(answers.shape[1]) + 1
