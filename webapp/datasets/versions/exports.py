"""A data set version as CSV, for spreadsheets: what a cell contains never becomes a formula."""

import codecs
import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from training.data.schema import ID, PART
from webapp.core import apart

BATCH_ROWS = 4096
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "|", "%")


def csv_chunks(parquet: Path, parts: bool) -> Iterator[bytes]:
    """The rows as UTF-8 CSV with a header row; `_part` only where the files said which part a row belongs to.

    They are made beside this process, because Arrow costs much memory.
    """
    return apart.stream("webapp.datasets.versions.exports:make_csv", parquet, parts)


def make_csv(parquet: Path, parts: bool) -> Iterator[bytes]:
    """What `csv_chunks` promises."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with pq.ParquetFile(parquet) as file:
        fields = [field for field in file.schema_arrow if field.name != ID and (parts or field.name != PART)]
        names = [field.name for field in fields]
        read = [f"{field.name}.path" if pa.types.is_struct(field.type) else field.name for field in fields]
        yield codecs.BOM_UTF8 + _lines([[neutral(name) for name in names]])
        for batch in file.iter_batches(batch_size=BATCH_ROWS, columns=read):
            columns = [[neutral(_plain(cell)) for cell in batch.column(name).to_pylist()] for name in names]
            yield _lines(list(zip(*columns, strict=True)))


def neutral(cell: object) -> object:
    """The cell, with an apostrophe before what a spreadsheet would run."""
    if isinstance(cell, str) and cell.startswith(FORMULA_STARTS):
        return f"'{cell}"
    return cell


def _plain(cell: Any) -> object:
    """A picture by its name, a conversation as JSON, everything else as it is."""
    if isinstance(cell, dict):
        return cell.get("path") or ""
    if isinstance(cell, list):
        return json.dumps(cell, ensure_ascii=False)
    return "" if cell is None else cell


def _lines(rows: list[Any]) -> bytes:
    buffer = io.StringIO()
    csv.writer(buffer).writerows(rows)
    return buffer.getvalue().encode()
