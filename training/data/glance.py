"""The first rows of a file at once, however large it is, while its import has hardly begun."""

import tempfile
from pathlib import Path

import polars as pl

from training.data.importing import open_file
from training.data.readers import SetAside
from training.data.source import look_at
from training.data.text_files import is_gzip, unpack_head

HEAD = 1 << 20
"""Bytes of a text that are looked at."""
SMALL = 8 << 20
"""Files of other formats are opened whole up to this size."""
_WHOLE = (b"PK\x03\x04", b"PAR1", b"ARROW1")


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
