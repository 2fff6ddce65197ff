"""Running text: the rows put together are the file, character for character."""

import re
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from training.data.readers import READERS, Batch, Reader, Reading, SetAside
from training.data.schema import PART
from training.data.source import Source
from training.data.text_files import TextFile, looks_binary, open_text

MAX_CHARACTERS = 2000
"""A row ends at an empty line, and at the latest here."""
HELD_OUT = 0.1
"""The last share of the characters is the test part, as is usual for language models."""
_BATCH = 16_384
_CHUNK = 1 << 20


@READERS.register("text")
class PlainText(Reader):
    """Text and Markdown; asked last, because every table and every JSON file is text too."""

    order = 90

    @classmethod
    def recognises(cls, source: Source) -> bool:
        return bool(source.text.strip()) and not looks_binary(source.text)

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        file = open_text(source.path, work, name=source.name)
        characters = sum(len(text) for text in _texts(file))
        title = "Markdown" if source.suffix in (".md", ".markdown") else "Text"

        def batches(aside: SetAside) -> Iterator[Batch]:
            return _batches(file, characters)

        return Reading(f"{title}, {file.encoding}", "text", ["text"], batches, verbatim=frozenset(["text"]))


def _batches(file: TextFile, characters: int) -> Iterator[Batch]:
    rows: list[str] = []
    read = 0
    for row in blocks(_texts(file)):
        rows.append(row)
        if len(rows) == _BATCH:
            yield _batch(rows, read, characters)
            read += sum(map(len, rows))
            rows = []
    if rows:
        yield _batch(rows, read, characters)


def _batch(rows: list[str], read: int, characters: int) -> Batch:
    parts, border = [], (1 - HELD_OUT) * characters
    for row in rows:
        parts.append("test" if 0 < read >= border else "train")
        read += len(row)
    return Batch(pl.DataFrame({"text": rows, PART: parts}), read / characters)


def blocks(texts: Iterator[str]) -> Iterator[str]:
    """Cut after empty lines, and long blocks after a line, a sentence, a word or anywhere, in this order."""
    waiting = ""
    for text in texts:
        *whole, waiting = re.split(r"(?<=\n\n)(?=[^\n])|(?<=\r\n\r\n)(?=[^\r])", waiting + text)
        for block in whole:
            yield from _short(block)
        if len(waiting) > 2 * _CHUNK:
            *cut, waiting = _short(waiting)
            yield from cut
    if waiting:
        yield from _short(waiting)


def _short(block: str) -> Iterator[str]:
    start = 0
    while len(block) - start > MAX_CHARACTERS:
        end = _cut(block, start, start + MAX_CHARACTERS)
        yield block[start:end]
        start = end
    yield block[start:]


def _cut(block: str, start: int, limit: int) -> int:
    for mark in ("\n", ". ", "。", " "):
        found = block.rfind(mark, start + 1, limit)
        if found > 0:
            return found + len(mark)
    return limit


def _texts(file: TextFile) -> Iterator[str]:
    with file.path.open(encoding="utf-8", newline="") as opened:
        while text := opened.read(_CHUNK):
            yield text
