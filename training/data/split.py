"""Which examples train, choose and judge: fixed by each example's id, so that adding rows moves none."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

from training.data.ids import column_hashes, mix, text_hash
from training.data.layout import DATA
from training.data.numbers import read_numbers
from training.data.schema import ID, PART
from training.data.source import named_part
from training.errors import TrainingError
from training.spec import Split

Parts: TypeAlias = NDArray[np.str_]
Given: TypeAlias = Sequence[str | None] | pl.Series
Draws: TypeAlias = NDArray[np.float64]
"""A number from 0 to 1 for each row; the smallest are held out."""
Usable: TypeAlias = NDArray[np.bool_]
"""Rows that have a target."""

_PARTS = ("train", "val", "test")

_AT_ONCE = 1 << 18


def count_parts(folder: Path, split: Split, target: str = "") -> dict[str, int]:
    """Examples per part as the split divides the version in the folder; rows without a `target` are none.

    target: the column to predict, "" where there is none. Raises TrainingError where it cannot be divided so.
    """
    path = folder / DATA
    usable = _present(path, target)
    if split.how == "random" and not _names_parts(path):
        return _count_random(path, split, usable)
    wanted = division_column(split, target)
    frame = pl.read_parquet(path, columns=[ID, PART, *([wanted] if wanted else [])])
    return _tally(assign_parts(frame[ID].to_numpy(), frame[PART], split, frame[wanted] if wanted else None), usable)


def _present(path: Path, target: str) -> Usable | None:
    """Which rows have a target; None where all have."""
    if not target:
        return None
    there = pl.scan_parquet(path).select(pl.col(target).is_not_null()).collect(engine="streaming").to_series()
    return None if there.all() else there.to_numpy()


def _names_parts(path: Path) -> bool:
    """Whether the files said which rows are held out."""
    named = pl.scan_parquet(path).select(pl.col(PART).is_in(["test", "val"]).any())
    return bool(named.collect(engine="streaming").item())


def _count_random(path: Path, split: Split, usable: Usable | None) -> dict[str, int]:
    """Counted block by block, because each example is drawn by itself."""
    ids, counts = read_numbers(path, ID).view(np.int64), dict.fromkeys(_PARTS, 0)
    for start in range(0, len(ids), _AT_ONCE):
        some = slice(start, start + _AT_ONCE)
        parts = _divided(ids[some], split, None, test=split.test)
        for part, count in _tally(parts, None if usable is None else usable[some]).items():
            counts[part] += count
    return counts


def _tally(parts: Parts, usable: Usable | None) -> dict[str, int]:
    return {part: int(((parts == part) & (True if usable is None else usable)).sum()) for part in _PARTS}


def division_column(split: Split, target: str) -> str:
    """The column that decides besides the ids, "" where none does."""
    if split.how == "stratified":
        return split.column or target
    return "" if split.how == "random" else split.column


def assign_parts(ids: NDArray[np.int64], given: Given, split: Split, column: pl.Series | None = None) -> Parts:
    """The part, "train", "val" or "test", for every example.

    ids: int64 [rows], equal for equal examples, which so fall on the same side. given: the part that the files named,
    or None. Named parts stay; files that name a validation part but no test part are judged on the former. column: the
    values of `division_column`. Raises TrainingError where a column of parts says something else.
    """
    said = _said(column) if split.how == "column" and column is not None else pl.Series(given, dtype=pl.String)
    if not said.is_in(["test", "val"]).any():
        if split.how == "column":
            raise _no_parts(split)
        return _divided(ids, split, column, test=split.test)
    named = said.fill_null("").to_numpy().astype("<U5")
    if not (named == "test").any():
        named[named == "val"] = "test"
    free = ~np.isin(named, ("test", "val"))
    carve = split.validation if not (named == "val").any() else 0.0
    once = split.model_copy(update={"validation": carve, "folds": 0})
    drawn = _divided(ids, once, None if split.how == "column" else column, test=0.0)
    return np.where(free, drawn, named)


def _said(column: pl.Series) -> pl.Series:
    """The parts that the words of a column mean."""
    words = column.cast(pl.String)
    meant = {word: named_part(word) for word in words.drop_nulls().unique()}
    unknown = [word for word, part in meant.items() if part is None]
    if unknown:
        raise TrainingError(
            f"“{column.name}” says “{min(unknown)}”, which is none of train, val and test.",
            "Choose a column that says one of these in every row.",
            code="bad_split",
        )
    return words.replace_strict(meant, return_dtype=pl.String)


def _no_parts(split: Split) -> TrainingError:
    return TrainingError(
        f"“{split.column}” holds no row out: it never says test or val.",
        "Choose another column, or another way to divide.",
        code="bad_split",
    )


def _divided(ids: NDArray[np.int64], split: Split, column: pl.Series | None, *, test: float) -> Parts:
    """The rows with the smallest draws are held out, those after them choose; of folds, the one that is asked for."""
    draws = _draws(ids, split, column)
    parts = np.full(len(ids), "train", dtype="<U5")
    if not split.folds:
        parts[draws < test + split.validation] = "val"
        parts[draws < test] = "test"
        return parts
    again = _uniform(_grouped(ids, split, column), f"validation {split.seed}")
    parts[again < split.validation * split.folds / (split.folds - 1)] = "val"
    parts[np.floor(draws * split.folds) == split.fold - 1] = "test"
    return parts


def _draws(ids: NDArray[np.int64], split: Split, column: pl.Series | None) -> Draws:
    if split.how == "time" and column is not None:
        return _lateness(column)
    draws = _uniform(_grouped(ids, split, column), f"split {split.seed}")
    return _ranked(draws, column) if split.how == "stratified" and column is not None else draws


def _uniform(keys: NDArray[np.uint64], salt: str) -> Draws:
    """Float64 in [0, 1), equal for equal keys."""
    draws = np.empty(len(keys), dtype=np.float64)
    for start in range(0, len(keys), _AT_ONCE):  # so that nothing but the result grows with the rows
        some = slice(start, start + _AT_ONCE)
        draws[some] = mix(mix(keys[some] ^ text_hash(salt.encode()))) >> np.uint64(11)
    draws /= 2.0**53
    return draws


def _grouped(ids: NDArray[np.int64], split: Split, column: pl.Series | None) -> NDArray[np.uint64]:
    """What is drawn together: the group of a row, or the example itself where it has none."""
    own = ids.view(np.uint64)
    if split.how != "group" or column is None:
        return own
    arrow = column.to_arrow(compat_level=pl.CompatLevel.oldest())
    hashes, present = column_hashes(arrow.cast(pa.string()) if pa.types.is_large_string(arrow.type) else arrow)
    return np.where(present, mix(hashes), own)


def _ranked(draws: Draws, column: pl.Series) -> Draws:
    """The draws of each class spread evenly, so that every class has its share; equal examples stay together."""
    frame = pl.DataFrame({"class": column.cast(pl.String), "draw": draws})
    place = (pl.col("draw").rank("dense") - 0.5) / pl.col("draw").n_unique()
    return frame.select(place.over("class")).to_series().to_numpy()


def _lateness(column: pl.Series) -> Draws:
    """The share of rows that are later; rows without a time count as the earliest."""
    times = column.cast(pl.Float64, strict=False) if column.dtype.is_numeric() else column.to_physical()
    if not times.dtype.is_numeric():
        raise TrainingError(
            f"“{column.name}” holds no times and no numbers.", "Choose a column of dates.", code="bad_split"
        )
    earlier = times.rank("max").fill_null(0).to_numpy()
    return np.asarray((len(times) - earlier) / max(len(times), 1), dtype=np.float64)
