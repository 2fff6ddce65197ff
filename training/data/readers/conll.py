"""CoNLL: a token with its tag on each line, an empty line between sentences."""

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import polars as pl

from training.data.readers import READERS, Batch, Reader, Reading, SetAside
from training.data.shapes import SPANS
from training.data.source import Source
from training.data.text_files import looks_binary, open_text
from training.errors import TrainingError

_SUFFIXES = (".conll", ".conllu", ".conll2003", ".iob", ".iob2", ".bio")
_TAG = re.compile(r"O|[BIESLU]-\S+")
_DOCUMENT = "-DOCSTART-"
_LOOK = 5000
_BATCH = 4096
_MOST_TOKENS = 10_000
"""A sentence with more is a file without empty lines."""


@dataclass
class _Sentence:
    """The lines of one sentence so far."""

    line: int
    rows: list[list[str]] = field(default_factory=list)


@READERS.register("conll")
class Conll(Reader):
    """The token stands first and the tag last; of the ten columns of CoNLL-U the form and the part of speech count."""

    order = 70

    @classmethod
    def recognises(cls, source: Source) -> bool:
        if looks_binary(source.text):
            return False
        rows = _head(source)
        gaps = sum(not line.strip() for line in source.text.splitlines()[:_LOOK])
        if not rows or not 2 <= _width(rows) <= 20:
            return False
        if source.suffix in _SUFFIXES:
            return True
        tags = sum(len(row) > 1 and _TAG.fullmatch(row[-1]) is not None for row in rows)
        return gaps > 0 and tags > 0.95 * len(rows) and any(row[-1] != "O" for row in rows)

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        file = open_text(source.path, work, name=source.name)
        width = _width(_head(source))

        def batches(aside: SetAside) -> Iterator[Batch]:
            return _batches(file.path, width, source.name, aside)

        return Reading(f"CoNLL, {file.encoding}", "text", ["tokens"], batches)


def _head(source: Source) -> list[list[str]]:
    lines = source.text.splitlines() if source.complete else source.text.splitlines()[:-1]
    return [_cut(line) for line in lines[:_LOOK] if line.strip() and not line.startswith(("#", _DOCUMENT))]


def _width(rows: list[list[str]]) -> int:
    """The commonest number of columns."""
    return Counter(map(len, rows)).most_common(1)[0][0]


def _batches(path: Path, width: int, name: str, aside: SetAside) -> Iterator[Batch]:
    size, read = max(path.stat().st_size, 1), 0
    cells: list[list[dict[str, str]]] = []
    for sentence, length in _sentences(path, width, name):
        read += length
        spans, reason = _spans(sentence, width)
        if reason:
            aside.add(name, sentence.line, reason, "\n".join(" ".join(row) for row in sentence.rows))
        elif spans:
            cells.append(spans)
        if len(cells) == _BATCH:
            yield Batch(pl.DataFrame({"tokens": cells}, schema={"tokens": SPANS}), min(read / size, 1.0))
            cells = []
    if cells:
        yield Batch(pl.DataFrame({"tokens": cells}, schema={"tokens": SPANS}), 1.0)


def _sentences(path: Path, width: int, name: str) -> Iterator[tuple[_Sentence, int]]:
    """The sentences with the bytes that they take."""
    sentence, length = _Sentence(1), 0
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        for number, line in enumerate(file, start=1):
            length += len(line.encode())
            if line.startswith(_DOCUMENT) or (line.startswith("#") and len(_cut(line)) != width):
                continue
            if line.strip():
                sentence.rows.append(_cut(line))
                if len(sentence.rows) > _MOST_TOKENS:
                    raise TrainingError(
                        f"{name} has more than {_MOST_TOKENS:,} lines without an empty line between sentences.",
                        "Put an empty line after each sentence.",
                        code="no_sentences",
                    )
                continue
            yield sentence, length
            sentence, length = _Sentence(number + 1), 0
    yield sentence, length


def _cut(line: str) -> list[str]:
    line = line.strip("\r\n")
    return line.split("\t") if "\t" in line else line.split()


def _spans(sentence: _Sentence, width: int) -> tuple[list[dict[str, str]], str]:
    spans = []
    for number, row in enumerate(sentence.rows):
        if len(row) != width:
            return [], f"line {sentence.line + number} has {len(row)} columns instead of {width}"
        token, tag = (row[1], row[3]) if width == 10 else (row[0], row[-1])
        if width != 10 or row[0].isdigit():
            spans.append({"token": token.strip(), "tag": tag.strip() or "O"})
    return spans, ""
