"""Examples that stand there twice, exactly or nearly, and those that stand on both sides of the split."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.data.findings import ROWS, counted
from training.data.near import compared_columns, compared_media, near_groups
from training.data.numbers import read_numbers
from training.data.schema import ID, PART, Description, Finding, Fix

HELD = ("test", "val")
_SHARES = 8
_WHOLE = ("image", "audio", "conversation", "spans")
"""Types of which a single column holds whole examples, rather than pieces of a running text."""


def check_repeats(path: Path, description: Description) -> Iterator[Finding]:
    """Exact repeats by the examples' ids, near ones by words, looks or sound, and leaks of both kinds."""
    if len(description.columns) == 1 and description.columns[0].type not in _WHOLE:
        return
    ids = read_ids(path)
    held = held_rows(path, description)
    exact = repeated(ids)
    leaked = leaks(ids, held)
    yield from _exact(exact, len(ids))
    yield from _leaked(leaked)
    likeness = _likeness(description)
    if likeness is None:
        return
    groups = near_groups(path, description)
    near_leaked = leaks(groups, held) & ~leaked
    yield from _near(repeated(groups) & ~exact & ~near_leaked, likeness)
    yield from _nearly_leaked(near_leaked, likeness)


@dataclass(frozen=True)
class Likeness:
    """In which way rows are nearly the same, in words."""

    one: str
    many: str
    text: str


_SAYS = Likeness("says nearly the same", "say nearly the same", "Four of five of their words are the same.")
_SHOWS = Likeness(
    "shows nearly the same picture", "show nearly the same picture", "Scaled down they look alike, or only brighter."
)
_SOUNDS = Likeness(
    "sounds nearly the same", "sound nearly the same", "Pitch and loudness go alike from start to end, or only louder."
)


def _likeness(description: Description) -> Likeness | None:
    """How rows of this data can be nearly the same; None where nothing tells."""
    if media := compared_media(description):
        return _SHOWS if media.type == "image" else _SOUNDS
    return _SAYS if compared_columns(description) else None


def read_ids(path: Path) -> NDArray[np.int64]:
    """Int64 [rows]: the ids of the examples."""
    return read_numbers(path, ID).view(np.int64)


def held_rows(path: Path, description: Description) -> NDArray[np.bool_]:
    """Bool [rows]: whether the files keep the row away from training."""
    if not any(part in description.parts for part in HELD):
        return np.zeros(description.rows, dtype=bool)
    return pl.read_parquet(path, columns=[PART])[PART].is_in(HELD).fill_null(False).to_numpy()


def repeated(groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Bool [rows]: whether an earlier row has the same group."""
    again = np.zeros(len(groups), dtype=bool)
    twice = _twice(groups)
    if len(twice):
        rows = np.flatnonzero(np.isin(groups, twice))
        _, first = np.unique(groups[rows], return_index=True)
        again[rows] = True
        again[rows[first]] = False
    return again


def _twice(groups: NDArray[np.int64]) -> NDArray[np.int64]:
    """The groups of more than one row; a share of them is sorted at a time, so that no second copy of all is held."""
    share, found = groups.astype(np.uint8) % _SHARES, []  # the lowest byte, which is as good as chance
    for number in range(_SHARES):
        ordered = np.sort(groups[share == number])
        found.append(np.unique(ordered[1:][ordered[1:] == ordered[:-1]]))
    return np.concatenate(found)


def leaks(groups: NDArray[np.int64], held: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Bool [rows]: held-out rows whose group is in the training part too."""
    if not held.any():
        return held
    found: NDArray[np.bool_] = held & np.isin(groups, np.intersect1d(groups[held], groups[~held]))
    return found


def _exact(rows: NDArray[np.bool_], total: int) -> Iterator[Finding]:
    if count := int(rows.sum()):
        yield Finding(
            key="duplicates",
            severity="warning" if count > 0.05 * total else "info",
            title=counted(count, "row repeats an earlier one exactly", "rows repeat an earlier one exactly"),
            text="Repeats are kept on one side of the split, so that nothing held out has been seen in training.",
            rows=_first(rows),
            count=count,
            fix=Fix(key="drop_duplicates", title="Remove the repeats"),
        )


def _near(rows: NDArray[np.bool_], likeness: Likeness) -> Iterator[Finding]:
    if count := int(rows.sum()):
        yield Finding(
            key="near-duplicates",
            severity="info",
            title=counted(count, f"row {likeness.one}", f"rows {likeness.many}") + " as an earlier one",
            text=f"{likeness.text} Where they fall on both sides of the split, the result looks better than it is.",
            rows=_first(rows),
            count=count,
            fix=Fix(key="drop_near_duplicates", title="Keep one of each"),
        )


def _leaked(rows: NDArray[np.bool_]) -> Iterator[Finding]:
    if count := int(rows.sum()):
        yield Finding(
            key="leak",
            severity="warning",
            title=counted(count, "held-out row is", "held-out rows are") + " in the training part too",
            text="The model has seen them, so the result on them looks better than it is.",
            rows=_first(rows),
            count=count,
            fix=Fix(key="move_leaks_to_train", title="Move them to the training part"),
        )


def _nearly_leaked(rows: NDArray[np.bool_], likeness: Likeness) -> Iterator[Finding]:
    if count := int(rows.sum()):
        yield Finding(
            key="near-leak",
            severity="warning",
            title=counted(count, f"held-out row {likeness.one}", f"held-out rows {likeness.many}")
            + " as one in training",
            text=f"{likeness.text} The model has seen nearly the same, so the result on them looks better than it is.",
            rows=_first(rows),
            count=count,
            fix=Fix(key="move_leaks_to_train", title="Move them to the training part"),
        )


def _first(rows: NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.flatnonzero(rows)[:ROWS].tolist()
    return found
