"""JSON objects as rows of a table: nested fields become columns with dots, conversations one column."""

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice

import polars as pl

from training.data.conversations import COLUMN, holds_conversations, other_fields, to_messages
from training.data.readers import Batch, Lines, Reading, SetAside, clean_names
from training.data.schema import DataKind
from training.data.source import Source
from training.errors import TrainingError

MAX_FIELDS = 5000
_BATCH = 8192
_LOOK = 50
_MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))


@dataclass(frozen=True)
class Record:
    """One object of a file, the line where it starts, and the share of the file that is read by then."""

    line: int
    fields: dict[str, object]
    done: float
    number: int = 0
    """The place in its list, from 1, where lines say little; 0 where they say enough."""


def read_records(source: Source, title: str, records: Callable[[SetAside], Iterator[Record]]) -> Reading:
    """A table, or conversations, of the objects that `records` yields each time it is called."""
    first = [record.fields for record in islice(records(SetAside()), _LOOK)]
    chats = holds_conversations(list(first))
    keys = _all_keys(source, records, chats=chats)
    names = dict(zip(keys, clean_names(keys), strict=True))
    kind: DataKind = "conversations" if chats else "table"

    def batches(aside: SetAside) -> Iterator[Batch]:
        stream = records(aside)
        while some := list(islice(stream, _BATCH)):
            frame = _conversation_frame(source, some, names, aside) if chats else _frame(some, names)
            if len(frame):
                yield Batch(frame, some[-1].done, None if chats else _lines(some))

    return Reading(title, kind, [COLUMN, *names.values()] if chats else list(names.values()), batches)


def _lines(records: list[Record]) -> Lines:
    return lambda rows: [records[row].line for row in rows]


def cell_text(value: object) -> str | None:
    """A JSON value as the text of a cell."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    return json.dumps(value, ensure_ascii=False)


def flatten(fields: dict[str, object], prefix: str = "") -> dict[str, object]:
    """Objects inside objects as fields with dots: {"a": {"b": 1}} -> {"a.b": 1}."""
    flat: dict[str, object] = {}
    for key, value in fields.items():
        if isinstance(value, dict) and value:
            flat |= flatten(value, f"{prefix}{key}.")
        else:
            flat[prefix + key] = value
    return flat


def storable(value: dict[str, object]) -> dict[str, object]:
    """The same object with ? for halves of characters, and without zero bytes: JSON can write them, nobody store."""
    return {_storable_text(key): _storable(entry) for key, entry in value.items()}


def _storable(value: object) -> object:
    if isinstance(value, str):
        return _storable_text(value)
    if isinstance(value, list):
        return [_storable(entry) for entry in value]
    return storable(value) if isinstance(value, dict) else value


def _storable_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\0", "")


def _all_keys(source: Source, records: Callable[[SetAside], Iterator[Record]], *, chats: bool) -> list[str]:
    keys: dict[str, None] = {}
    for record in records(SetAside()):
        fields = other_fields(record.fields) if chats else record.fields
        keys |= dict.fromkeys(flatten(fields))
        if len(keys) > MAX_FIELDS:
            raise TrainingError(
                f"{source.name} has more than {MAX_FIELDS:,} different fields; line {record.line} adds another.",
                "Give every object the same fields.",
                code="too_many_columns",
            )
    return [key for key in keys if key != COLUMN] if chats else list(keys)


def _frame(records: Iterable[Record], names: dict[str, str]) -> pl.DataFrame:
    rows = [flatten(record.fields) for record in records]
    return pl.DataFrame(
        {name: [cell_text(row.get(key)) for row in rows] for key, name in names.items()},
        schema=dict.fromkeys(names.values(), pl.String),
    )


def _conversation_frame(source: Source, records: list[Record], names: dict[str, str], aside: SetAside) -> pl.DataFrame:
    kept, chats = [], []
    for record in records:
        messages, reason = to_messages(record.fields)
        if reason:
            entry = f"entry {record.number}: " if record.number else ""
            aside.add(source.name, record.line, entry + reason, json.dumps(record.fields, ensure_ascii=False))
        else:
            kept.append(record)
            chats.append(messages)
    column = pl.Series(COLUMN, chats, dtype=_MESSAGES)
    return _frame(kept, names).insert_column(0, column) if names else column.to_frame()
