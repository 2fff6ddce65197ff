"""Pages of a data set version for the screen; only the row groups that a page touches are read."""

import io
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from training.data.layout import DATA, IMAGE

Cell: TypeAlias = str | int | float | bool | dict[str, int] | list[dict[str, str]] | None


def read_rows(folder: Path, offset: int, limit: int) -> list[dict[str, Cell]]:
    """Rows offset to offset + limit - 1 as JSON-ready cells, fewer at the end.

    Pictures are {"width", "height", "row"}, times are ISO 8601, conversations lists of {"role", "content"}; the columns
    `_id` (as a string, because browsers round such integers) and `_part` are there too.
    """
    with pq.ParquetFile(folder / DATA) as file:
        table, start = _rows(file, max(offset, 0), max(limit, 0), file.schema_arrow.names)
    columns = {name: _cells(table.column(name), start) for name in table.column_names}
    columns["_id"] = [str(value) for value in columns["_id"]]
    return [dict(zip(columns, cells, strict=True)) for cells in zip(*columns.values(), strict=True)]


def read_cell_bytes(folder: Path, row: int, column: str) -> bytes:
    """The bytes of a picture, for its thumbnail; raises IndexError where there is no such row or no picture."""
    with pq.ParquetFile(folder / DATA) as file:
        table, _ = _rows(file, row, 1, [f"{column}.bytes"])
    data = table.column(0)[0].as_py() if len(table) and row >= 0 else None
    if not data or data["bytes"] is None:
        raise IndexError(f"row {row} has no picture in {column}")
    return bytes(data["bytes"])


def read_stored(folder: Path, columns: Sequence[str], rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    """Some columns of some rows as they are stored, by row; a row that is not there is left out."""
    if not columns:
        return {row: {} for row in rows}
    found: dict[int, dict[str, Any]] = {}
    with pq.ParquetFile(folder / DATA, memory_map=True) as file:
        start = 0
        for group in range(file.num_row_groups):
            end = start + file.metadata.row_group(group).num_rows
            wanted = sorted({row for row in rows if start <= row < end})
            if wanted:
                table = file.read_row_group(group, columns=list(columns)).take([row - start for row in wanted])
                found |= dict(zip(wanted, table.to_pylist(), strict=True))
            start = end
    return found


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


def _cells(column: pa.ChunkedArray, start: int) -> list[Cell]:
    if column.type.equals(IMAGE):
        return [_stand_in(cell["bytes"], start + row) if cell else None for row, cell in enumerate(column.to_pylist())]
    return [cell.isoformat(" ") if isinstance(cell, datetime) else cell for cell in column.to_pylist()]


def _stand_in(data: bytes | None, row: int) -> Cell:
    if data is None:
        return None
    with Image.open(io.BytesIO(data)) as image:
        return {"width": image.width, "height": image.height, "row": row}
