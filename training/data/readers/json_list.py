"""JSON: a list of objects, also inside an object, as columns, or as questions about paragraphs (SQuAD)."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from training.data.readers import READERS, Reader, Reading, SetAside
from training.data.records import Record, read_records, storable
from training.data.source import Source
from training.data.text_files import open_text
from training.errors import TrainingError

MAX_OBJECT = 512 << 20
"""A file that is one single object has to be held in memory."""
MAX_ITEM = 64 << 20
"""Characters of one object of a list."""
_CHUNK = 1 << 20
_MOST_DIGITS = 400
"""A longer number is beyond what a fraction of 64 bits can hold."""
_LIST_KEYS = ("data", "rows", "records", "examples", "items", "results", "train")
_SPACE = " \t\r\n"


@READERS.register("json")
class JsonList(Reader):
    """A list is read object by object, so its length does not matter."""

    order = 60

    @classmethod
    def recognises(cls, source: Source) -> bool:
        start = source.text.lstrip()[:1000]
        if start.startswith("["):
            inner = start[1:].lstrip()
            return not inner or inner[0] in '{]["' or source.suffix == ".json"
        return start.startswith("{") and (start[1:].lstrip()[:1] in ('"', "}") or source.suffix == ".json")

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        file = open_text(source.path, work, name=source.name)
        if source.text.lstrip().startswith("["):

            def records(aside: SetAside) -> Iterator[Record]:
                return read_list(file.path, source.name, aside)

        else:
            found = records_inside(load_object(file.path, source.name), source.name)

            def records(aside: SetAside) -> Iterator[Record]:
                return as_records(found, source.name, aside)

        return read_records(source, f"JSON, {file.encoding}", records)


def read_list(path: Path, name: str, aside: SetAside) -> Iterator[Record]:
    """The objects of a list, decoded one after the other; raises TrainingError that names a broken line."""
    size, read, rest = max(path.stat().st_size, 1), 0, _Rest(name)
    with path.open(encoding="utf-8", newline="") as file:
        while not rest.is_closed:
            chunk = file.read(max(_CHUNK, rest.length))
            read += len(chunk)
            rest.add(chunk)
            while entry := rest.take():
                if isinstance(entry.value, dict):
                    fields = storable(entry.value) if "\\u" in entry.text else entry.value
                    yield Record(entry.line, fields, min(read / size, 1.0), entry.number)
                else:
                    aside.add(name, entry.line, f"entry {entry.number} is no object in braces", entry.text)


class _Entry(NamedTuple):
    """One thing that a list holds."""

    line: int
    number: int
    value: object
    text: str


class _Rest:
    """What was read of a list and is not decoded yet."""

    def __init__(self, name: str) -> None:
        self.is_closed = False
        self._name = name
        self._text = ""
        self._at, self._line, self._number = 0, 1, 0
        self._is_open = self._is_last = False

    @property
    def length(self) -> int:
        """Characters that wait."""
        return len(self._text) - self._at

    def add(self, chunk: str) -> None:
        """More of the file; an empty chunk says that this was all, which is a mistake before the list is closed."""
        if self._is_last:
            raise _broken(self._name, self._line + self._text.rstrip().count("\n"), "the closing ] is missing")
        self._text, self._at, self._is_last = self._text[self._at :] + chunk, 0, not chunk

    def take(self) -> _Entry | None:
        """The next entry; None before it is there to its end, and behind the last."""
        start = _skip(self._text, self._at, "," if self._is_open else "[")
        self._is_open = self._is_open or start > self._at
        if start >= len(self._text):
            return None
        if self._text[start] == "]":
            self.is_closed = True
            return None
        if (decoded := self._decode(start)) is None:
            return None
        value, end = decoded
        self._line += self._text.count("\n", self._at, start)
        self._number += 1
        entry = _Entry(self._line, self._number, value, self._text[start:end])
        self._line += self._text.count("\n", start, end)
        self._at = end
        return entry

    def _decode(self, start: int) -> tuple[object, int] | None:
        try:
            value, end = _DECODER.raw_decode(self._text, start)
        except RecursionError as error:
            raise _broken(self._name, self._line, "it is nested too deeply") from error
        except json.JSONDecodeError as error:
            if not self._is_last and len(self._text) - start < MAX_ITEM:
                return None  # the object goes on in the next chunk
            line = self._line + self._text.count("\n", self._at, error.pos)
            raise _broken(self._name, line, error.msg, near=self._text, at=error.pos, number=self._number) from error
        goes_on = not self._is_last and end >= len(self._text)  # a number may
        return None if goes_on else (value, end)


def load_object(path: Path, name: str) -> dict[str, object]:
    """A file that is one object."""
    if path.stat().st_size > MAX_OBJECT:
        raise TrainingError(
            f"{name} is one object of more than {MAX_OBJECT >> 20} MB.",
            "Write a list of objects, or one object per line (JSON Lines).",
            code="large_object",
        )
    try:
        value = json.loads(path.read_text(encoding="utf-8", errors="replace"), parse_int=_whole_number)
    except json.JSONDecodeError as error:
        raise _broken(name, error.lineno, error.msg, near=error.doc, at=error.pos) from error
    except RecursionError as error:
        raise _broken(name, 1, "it is nested too deeply") from error
    return dict(value)


def records_inside(value: dict[str, object], name: str) -> list[object]:
    """The list of objects that the object holds, in whatever form."""
    if isinstance(value.get("data"), list) and (questions := squad_rows(value["data"])):
        return questions
    lists = {key: entry for key, entry in value.items() if isinstance(entry, list)}
    rows = [lists[key] for key in _LIST_KEYS if key in lists and _are_objects(lists[key])]
    rows = rows or [entry for entry in lists.values() if _are_objects(entry)]
    if rows:
        return rows[0]
    if lists and len(lists) == len(value) and len({len(entry) for entry in lists.values()}) == 1:
        return [dict(zip(lists, cells, strict=True)) for cells in zip(*lists.values(), strict=True)]
    if value and all(isinstance(entry, dict) for entry in value.values()):
        return list(value.values())
    if any(isinstance(entry, (list, dict)) for entry in value.values()) or not value:
        raise TrainingError(
            f"{name} holds no list of objects.",
            'Write [{"column": "cell", ...}, ...], or one object per line.',
            code="no_rows",
        )
    return [value]


def squad_rows(articles: object) -> list[object]:
    """Questions with their paragraph and answers; empty where these are no SQuAD articles."""
    rows: list[object] = []
    for article in articles if isinstance(articles, list) else []:
        for paragraph in article.get("paragraphs", []) if isinstance(article, dict) else []:
            for question in paragraph.get("qas", []):
                rows.append(
                    {
                        "context": paragraph.get("context"),
                        "question": question.get("question"),
                        "answers": question.get("answers", []),
                    }
                )
    return rows


def as_records(values: list[object], name: str, aside: SetAside) -> Iterator[Record]:
    """Objects that are in memory; what is none is set aside with its number."""
    for number, value in enumerate(values, start=1):
        if isinstance(value, dict):
            yield Record(number, storable(value), number / len(values), number)
        else:
            aside.add(name, number, "not an object in braces", str(value))


def _whole_number(digits: str) -> int | str:
    """The number; one of more digits than any measure has stays as it is written."""
    return int(digits) if len(digits) <= _MOST_DIGITS else digits


_DECODER = json.JSONDecoder(parse_int=_whole_number)


def _are_objects(entry: list[object]) -> bool:
    return bool(entry) and all(isinstance(value, dict) for value in entry[:10])


def _skip(buffer: str, position: int, also: str) -> int:
    """The first place from here on that is neither a space nor the one character `also`."""
    seen = False
    while position < len(buffer) and (buffer[position] in _SPACE or (buffer[position] == also and not seen)):
        seen = seen or buffer[position] == also
        position += 1
    return position


def _broken(name: str, line: int, reason: str, *, near: str = "", at: int = 0, number: int = 0) -> TrainingError:
    """What is wrong, where, and what stands there, because a file may be a single line."""
    around = " ".join(near[max(at - 20, 0) : at + 20].split())
    place = f"line {line}" + (f", after object {number:,}" if number else "") + (f", near “{around}”" if around else "")
    return TrainingError(
        f"{name} is no valid JSON: {place}: {reason}.", "Correct that place and upload it again.", code="bad_json"
    )
