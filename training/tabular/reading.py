"""Rows of a table as numbers and codes: its columns as they are encoded, and beside them what neighbours answered."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.measures import Floats, Ints
from training.media.encoded import allocate
from training.tabular.neighbours import Neighbours, find_neighbours
from training.tabular.tables import Numbers, TableEncoding, as_numbers, clipped_softly

ROWS_AT_ONCE = 100_000


@dataclass(frozen=True)
class RowReading:
    """All that turns a row's plain columns into what an architecture reads."""

    encoding: TableEncoding
    neighbours: Neighbours | None = None

    @classmethod
    def learn(
        cls, encoding: TableEncoding, train: pl.DataFrame, answers: Floats, fold: Ints
    ) -> tuple[Self, Floats | None]:
        """With neighbours where a map says enough: the reading, and what neighbours say of the rows learnt from.

        answers: what these rows answered (rows, outputs), around 0. fold: the part that each is put aside in (rows,).
        """
        columns = {column.name: as_numbers(train[column.name]) for column in encoding.given}
        neighbours, said = find_neighbours(columns, answers, fold) or (None, None)
        return cls(encoding, neighbours), said

    @property
    def about_neighbours(self) -> int:
        """Numbers per row that tell of its neighbours; they come last."""
        return 0 if self.neighbours is None else self.neighbours.width

    @property
    def width(self) -> int:
        """Numbers per row."""
        return self.encoding.width + self.about_neighbours

    @property
    def scaled_width(self) -> int:
        """Numbers per row of the same table, made for a network."""
        return self.encoding.scaled_width + self.about_neighbours

    def read(self, frame: pl.DataFrame) -> tuple[Numbers, NDArray[np.int64]]:
        """Rows that were not learnt from as numbers (rows, width) and codes (rows, categories)."""
        if self.neighbours is None:
            return self.encoding.encode(frame)
        said = self.neighbours.say({name: as_numbers(frame[name]) for name in self.neighbours.axes})
        return self._read(frame, said)

    def read_rows(
        self, frame: pl.DataFrame, rows: NDArray[np.int64], folder: Path, said: Floats | None = None
    ) -> tuple[Numbers, NDArray[np.int64]]:
        """These rows as numbers and codes, some at a time; what is larger than memory likes is mapped from `folder`.

        `said`: what neighbours say of them (rows, about_neighbours), if they are the rows that were learnt from.
        """
        numbers = allocate((len(rows), self.width), self.encoding.precision, folder)
        codes = allocate((len(rows), len(self.encoding.categories)), np.int64, folder)
        for first in range(0, len(rows), ROWS_AT_ONCE):
            some = slice(first, first + ROWS_AT_ONCE)
            chosen = frame[rows[some]]
            numbers[some], codes[some] = self.read(chosen) if said is None else self._read(chosen, said[some])
        return cast(Numbers, numbers), cast("NDArray[np.int64]", codes)

    def _read(self, frame: pl.DataFrame, said: Floats) -> tuple[Numbers, NDArray[np.int64]]:
        numbers, codes = self.encoding.encode(frame)
        near = said if self.encoding.scaling == "plain" else clipped_softly(np.nan_to_num(said))
        return np.concatenate([numbers, near.astype(self.encoding.precision)], axis=1), codes

    def inputs(self) -> tuple[list[str], Floats, Floats]:
        """What enters a linear model, number by number: a name, and the scale and centre that were taken out."""
        return self.encoding.inputs(() if self.neighbours is None else self.neighbours.titles)

    def prepared(self) -> dict[str, object]:
        """What `load` needs to know, as JSON."""
        near = {} if self.neighbours is None else {"neighbours": list(self.neighbours.axes)}
        return {"encoding": self.encoding.model_dump(mode="json"), **near}

    def save(self, folder: Path) -> None:
        """Write the neighbours into the model folder."""
        if self.neighbours is not None:
            self.neighbours.save(folder)

    @classmethod
    def load(cls, prepared: dict[str, Any], folder: Path) -> Self:
        """From what `prepared` said and the model folder, in which the neighbours were saved."""
        axes = prepared.get("neighbours")
        neighbours = Neighbours.load(axes, folder) if axes else None
        return cls(TableEncoding.model_validate(prepared["encoding"]), neighbours)
