"""JSON: a list of objects, also inside an object, as columns, or as questions about paragraphs (SQuAD)."""

import json
from collections.abc import Iterator
from pathlib import Path

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
    decoder = json.JSONDecoder(parse_int=_whole_number)
    size, line, buffer, read = max(path.stat().st_size, 1), 1, "", 0
    opened, number = False, 0
    with path.open(encoding="utf-8", newline="") as file:
        while True:
            chunk = file.read(max(_CHUNK, len(buffer)))
            buffer += chunk
            read += len(chunk)
            position = 0
            while True:
                start = _skip(buffer, position, "," if opened else "[")
                opened = opened or start > position
                if start >= len(buffer):
                    break
                if buffer[start] == "]":
                    return
                try:
                    value, end = decoder.raw_decode(buffer, start)
                except RecursionError as error:
                    raise _broken(name, line, "it is nested too deeply") from error
                except json.JSONDecodeError as error:
                    if chunk and len(buffer) - start < MAX_ITEM:
                        break  # the object goes on in the next chunk
                    where = line + buffer.count("\n", position, error.pos)
                    raise _broken(name, where, error.msg, near=buffer, at=error.pos, number=number) from error
                if chunk and end >= len(buffer):
                    break  # a number may go on in the next chunk
                line += buffer.count("\n", position, start)
                number += 1
                if isinstance(value, dict):
                    fields = storable(value) if "\\u" in buffer[start:end] else value
                    yield Record(line, fields, min(read / size, 1.0), number)
                else:
                    aside.add(name, line, f"entry {number} is no object in braces", buffer[start:end])
                line += buffer.count("\n", start, end)
                position = end
            buffer = buffer[position:]
            if not chunk:
                raise _broken(name, line + buffer.rstrip().count("\n"), "the closing ] is missing")


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
