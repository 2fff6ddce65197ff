"""Pages of a data set version for the screen; only the row groups that a page touches are read."""

import io
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from PIL import Image

from training.data.layout import DATA, SET_ASIDE, nested_type

Cell: TypeAlias = str | int | float | bool | dict[str, Any] | list[dict[str, Any]] | None


def read_rows(folder: Path, offset: int, limit: int) -> list[dict[str, Cell]]:
    """Rows offset to offset + limit - 1 as JSON-ready cells, fewer at the end.

    Pictures are {"width", "height", "row"}, sounds {"seconds", "row"}, times ISO 8601, other structures as they are
    stored; the columns `_id` (as a string, because browsers round such integers) and `_part` are there too.
    """
    with pq.ParquetFile(folder / DATA) as file:
        table, start = _rows(file, max(offset, 0), max(limit, 0), file.schema_arrow.names)
    return _shown(table, range(start, start + len(table)))


def pick_rows(folder: Path, rows: Sequence[int]) -> list[dict[str, Cell]]:
    """Some rows in ascending order, as `read_rows` gives them; a row that is not there is left out."""
    with pq.ParquetFile(folder / DATA, memory_map=True) as file:
        picked = _picked(file, file.schema_arrow.names, rows)
        return [shown for wanted, table in picked for shown in _shown(table, wanted)]


def read_cell_bytes(folder: Path, row: int, column: str) -> bytes:
    """The bytes of a picture or a sound; raises IndexError where there is no such row or nothing in the cell."""
    path = folder / DATA
    with pq.ParquetFile(path) as file:
        group, start = _group_of(file, row)
    cells = _bytes_of_group(path, path.stat().st_mtime_ns, group, column)
    data = cells[row - start].as_py()
    if data is None:
        raise IndexError(f"row {row} has nothing in {column}")
    return bytes(data)


@lru_cache(maxsize=3)
def _bytes_of_group(path: Path, changed: int, group: int, column: str) -> pa.ChunkedArray:
    """The bytes of a row group's pictures or sounds, kept because a page asks for one after the other."""
    with pq.ParquetFile(path) as file:
        table = file.read_row_group(group, columns=[f"{column}.bytes"])
    return pc.struct_field(table.column(0), "bytes")


def _group_of(file: pq.ParquetFile, row: int) -> tuple[int, int]:
    """The row group that holds a row, and the number of the group's first row; raises IndexError past the end."""
    start = 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        if start <= row < end:
            return group, start
        start = end
    raise IndexError(f"there is no row {row}")


def read_stored(folder: Path, columns: Sequence[str], rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Some columns of some rows as they are stored, by row; a row that is not there is left out."""
    if not columns:
        return {row: {} for row in rows}
    with pq.ParquetFile(folder / DATA, memory_map=True) as file:
        picked = _picked(file, list(columns), rows)
        return {row: cells for wanted, table in picked for row, cells in zip(wanted, table.to_pylist(), strict=True)}


def _picked(file: pq.ParquetFile, columns: list[str], rows: Sequence[int]) -> Iterator[tuple[list[int], pa.Table]]:
    """The rows that are there, in ascending order, row group by row group."""
    start = 0
    for group in range(file.num_row_groups):
        end = start + file.metadata.row_group(group).num_rows
        wanted = sorted({row for row in rows if start <= row < end})
        if wanted:
            yield wanted, file.read_row_group(group, columns=columns).take([row - start for row in wanted])
        start = end


def read_aside(folder: Path, limit: int) -> list[dict[str, Cell]]:
    """The first rows that could not be read: source, line, reason and content of each; none where all could."""
    path = folder / SET_ASIDE
    return pq.read_table(path).slice(0, limit).to_pylist() if path.exists() else []


def _rows(file: pq.ParquetFile, offset: int, limit: int, columns: list[str]) -> tuple[pa.Table, int]:
    """The rows asked for and the number of the first."""
    metadata = file.metadata
    sizes = [metadata.row_group(group).num_rows for group in range(metadata.num_row_groups)]
    ends = np.cumsum(sizes, dtype=np.int64)
    starts = ends - sizes
    touched = np.flatnonzero((ends > offset) & (starts < offset + limit)).tolist()
    table = file.read_row_groups(touched, columns=columns)
    first = int(starts[touched[0]]) if touched else offset
    return table.slice(offset - first, limit), offset


def _shown(table: pa.Table, rows: Sequence[int]) -> list[dict[str, Cell]]:
    """JSON-ready cells of the table's rows, whose numbers in the data set are given."""
    columns = {name: _cells(table.column(name), rows) for name in table.column_names}
    columns["_id"] = [str(value) for value in columns["_id"]]
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def _cells(column: pa.ChunkedArray, rows: Sequence[int]) -> list[Cell]:
    cells = column.to_pylist()
    kind = nested_type(column.type)
    if kind == "image":
        return [_stand_in(cell["bytes"], row) if cell else None for cell, row in zip(cells, rows, strict=True)]
    if kind == "audio":
        return [
            {"seconds": cell["seconds"], "row": row} if cell else None for cell, row in zip(cells, rows, strict=True)
        ]
    return [cell.isoformat(" ") if isinstance(cell, datetime) else cell for cell in cells]


def _stand_in(data: bytes | None, row: int) -> Cell:
    if data is None:
        return None
    with Image.open(io.BytesIO(data)) as image:
        return {"width": image.width, "height": image.height, "row": row}
