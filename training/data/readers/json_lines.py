"""JSON Lines: one object in each line."""

from collections.abc import Iterator
from pathlib import Path

import orjson

from training.data.readers import READERS, Reader, Reading, SetAside
from training.data.records import Record, read_records, storable
from training.data.source import Source
from training.data.text_files import is_gzip, open_text
from training.errors import TrainingError

_SUFFIXES = (".jsonl", ".ndjson")
LONGEST_LINE = 64 << 20
"""Bytes of one object."""


@READERS.register("json-lines")
class JsonLines(Reader):
    """Lines that are no object are set aside with their number."""

    order = 50

    @classmethod
    def recognises(cls, source: Source) -> bool:
        lines = [line for line in source.text.lstrip().split("\n")[:10] if line.strip()]
        if not lines or not any(line.lstrip().startswith("{") for line in lines):
            return False
        if len(lines) == 1 and not source.complete:  # one long object, or the first of them
            return _next_line(source).startswith(b"{")
        whole = lines if source.complete else lines[:-1]
        objects = sum(_object(line.encode()) is not None for line in whole)
        if source.suffix in _SUFFIXES:
            return objects > 0
        return len(lines) > 1 and objects > 0.5 * len(whole)

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        file = open_text(source.path, work, name=source.name)

        def records(aside: SetAside) -> Iterator[Record]:
            return read_lines(file.path, source.name, aside)

        return read_records(source, f"JSON Lines, {file.encoding}", records)


def read_lines(path: Path, name: str, aside: SetAside) -> Iterator[Record]:
    """The objects, line by line; empty lines are none. Raises TrainingError where a line is too long to be one row."""
    size, read = max(path.stat().st_size, 1), 0
    with path.open("rb") as file:
        for number, line in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
            if len(line) > LONGEST_LINE:
                raise _long_line(name, number)
            read += len(line)
            if not line.strip():
                continue
            fields = _object(line)
            if fields is None:
                aside.add(name, number, _reason(line), line.decode("utf-8", "replace").strip())
            else:
                yield Record(number, storable(fields) if b"\\u0000" in line else fields, read / size)


def _next_line(source: Source) -> bytes:
    """The beginning of the second line of a file that is not packed."""
    if is_gzip(source.head):
        return b""
    with source.path.open("rb") as file:
        while piece := file.readline(LONGEST_LINE):
            if piece.endswith(b"\n"):
                return file.read(1000).lstrip()
    return b""


def _long_line(name: str, number: int) -> TrainingError:
    return TrainingError(
        f"Line {number:,} of {name} is longer than {LONGEST_LINE >> 20} MB.",
        "Write smaller objects, such as one text or one conversation in each line, and upload the file again.",
        code="long_row",
    )


def _object(line: bytes) -> dict[str, object] | None:
    try:
        value = orjson.loads(line)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def _reason(line: bytes) -> str:
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"not valid JSON: {error.msg}"
    return "not an object in braces"
