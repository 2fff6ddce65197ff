"""Encoded pictures and sounds: taken from a column, named by a question, kept in memory or on the disk."""

from __future__ import annotations

import math
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import DTypeLike, NDArray
from torch import Tensor

from training.errors import TrainingError

AT_ONCE = 64
"""Encoded examples that are copied at a time."""
IN_MEMORY = 2**30
"""Bytes of decoded examples above which they lie in a file that is mapped into memory."""


@dataclass(frozen=True)
class Encoded:
    """Pictures or sounds as they were brought, read a few at a time, wherever they lie."""

    cells: pl.Series

    def __len__(self) -> int:
        return len(self.cells)

    def __iter__(self) -> Iterator[bytes]:
        return one_by_one(self.cells)


def one_by_one(cells: pl.Series) -> Iterator[bytes]:
    """The bytes in the cells, None where there are none, without holding all of them."""
    for start in range(0, len(cells), AT_ONCE):
        yield from cells.slice(start, AT_ONCE).to_list()


def stored_bytes(column: pl.Series, rows: NDArray[np.int64], *, what: str) -> Encoded:
    """The encoded bytes in these rows; raises TrainingError if the column holds no media, or a cell is empty."""
    if not isinstance(column.dtype, pl.Struct):
        raise TrainingError(f"“{column.name}” holds no {what}.", f"Choose a column of {what}.", code="no_media")
    cells = column.struct.field("bytes").gather(rows)
    if cells.null_count():
        raise TrainingError(
            f"{cells.null_count():,} cells of “{column.name}” are empty.", "Drop these rows first.", code="empty_cells"
        )
    return Encoded(cells)


def given_file(given: dict[str, object], key: str, *, what: str) -> Path:
    """The file that a question names under `key`; raises TrainingError if it is not there."""
    path = given.get(key)
    if not path or not Path(str(path)).is_file():
        raise TrainingError(f"There is no {what} to answer to.", f"Choose a {what} file.", code="no_file")
    return Path(str(path))


def allocate(size: tuple[int, ...], dtype: DTypeLike, folder: Path) -> NDArray[np.generic]:
    """Room for all examples of a run: in memory, or mapped from a file in `folder` that has no name."""
    if np.prod(size) * np.dtype(dtype).itemsize <= IN_MEMORY:
        return np.empty(size, dtype)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:  # gone from the disk when the process ends, however it ends
        return np.memmap(file, dtype, mode="w+", shape=size)


def spread(places: Tensor, most: int) -> Tensor:
    """At most so many of the places, evenly spread."""
    return places[:: math.ceil(len(places) / most)]
