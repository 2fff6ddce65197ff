"""Where labels are missing; light enough to be asked for while somebody labels."""

from collections.abc import Collection
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from training.data.layout import DATA


def next_without(folder: Path, column: str, start: int, labelled: Collection[int]) -> int | None:
    """The first row from `start` on whose cell is empty and that is not among those already labelled.

    A column that is not there yet is empty everywhere. None where no such row is left.
    """
    done = set(labelled)
    with pq.ParquetFile(folder / DATA) as file:
        first = 0
        for group in range(file.num_row_groups):
            end = first + file.metadata.row_group(group).num_rows
            if end > start:
                empty = _empty_rows(file, group, column, end - first)
                found = next((row + first for row in empty if row + first >= start and row + first not in done), None)
                if found is not None:
                    return found
            first = end
    return None


def _empty_rows(file: pq.ParquetFile, group: int, column: str, rows: int) -> list[int] | range:
    if column not in file.schema_arrow.names:
        return range(rows)
    cells = file.read_row_group(group, columns=[column]).column(0)
    found: list[int] = pc.indices_nonzero(pc.is_null(cells)).to_pylist()
    return found
