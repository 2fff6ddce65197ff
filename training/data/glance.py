"""The first rows of a file at once, however large it is, while its import has hardly begun."""

import json
import tempfile
from pathlib import Path
from typing import TypedDict

import polars as pl

from training.data.importing import open_file
from training.data.readers import SetAside
from training.data.schema import PART
from training.data.source import look_at
from training.data.text_files import is_gzip, unpack_head

HEAD = 1 << 20
"""Bytes of a text that are looked at."""
SMALL = 8 << 20
"""Files of other formats are opened whole up to this size."""
ROWS, COLUMNS, CELL = 10, 20, 160
"""What a page shows: rows, columns, and characters of a cell."""
_WHOLE = (b"PK\x03\x04", b"PAR1", b"ARROW1")


class Shown(TypedDict):
    """What a page shows of a file that is still being read."""

    columns: list[str]
    rows: list[list[str]]
    more: int
    """Columns that are not shown."""


def first_rows(path: Path, name: str, *, rows: int = 100) -> pl.DataFrame | None:
    """The first rows as strings or values; None where a large file does not show them quickly.

    Raises TrainingError where an import would refuse the file for what it is.
    """
    with tempfile.TemporaryDirectory() as place:
        work = Path(place)
        glanced = _head(path, work)
        if glanced is None:
            return None
        _, reading = open_file(look_at(glanced, name.removesuffix(".gz")), work)
        batch = next(reading.batches(SetAside()), None)
        return batch.frame.head(rows) if batch else None


def shown_rows(path: Path, name: str) -> Shown | None:
    """The first rows in words, for a page: some columns, long cells cut; None as for `first_rows`."""
    frame = first_rows(path, name, rows=ROWS)
    if frame is None:
        return None
    some = frame[:, :COLUMNS].drop(PART, strict=False)
    return {
        "columns": some.columns,
        "rows": [[_words(cell) for cell in row] for row in some.iter_rows()],
        "more": frame.width - some.width,
    }


def _words(cell: object) -> str:
    """A cell as people would write it; of a picture or a sound its name."""
    if isinstance(cell, dict) and "bytes" in cell:
        return str(cell.get("path") or "…")
    words = "" if cell is None else cell if isinstance(cell, str) else json.dumps(cell, default=str, ensure_ascii=False)
    return words if len(words) <= CELL else words[:CELL] + "…"


def _head(path: Path, work: Path) -> Path | None:
    """The file itself where it is small, else its first lines; None for large archives and lists, which have none."""
    size = path.stat().st_size
    with path.open("rb") as file:
        head = file.read(HEAD)
    if size <= HEAD and not is_gzip(head):
        return path
    if head.startswith(_WHOLE) or head.lstrip()[:1] == b"[":
        return path if size <= SMALL else None
    lines, _, _ = unpack_head(head).rpartition(b"\n")
    if not lines:
        return None
    (work / "head").write_bytes(lines + b"\n")
    return work / "head"
