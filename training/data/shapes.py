"""Tables whose columns have a known meaning together: answers in a text, tokens with tags, instructions, parts."""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TypeAlias

import polars as pl

from training.data.conversations import COLUMN, to_messages
from training.data.readers import Batch, Reading, SetAside
from training.data.schema import PART
from training.data.source import named_part

ANSWERS = pl.List(pl.Struct({"text": pl.String, "start": pl.Int64}))
SPANS = pl.List(pl.Struct({"token": pl.String, "tag": pl.String}))
MESSAGES = pl.List(pl.Struct({"role": pl.String, "content": pl.String}))
Cell: TypeAlias = str | None
Row: TypeAlias = dict[str, Cell]
Shaped: TypeAlias = tuple[object, str]
"""A cell with an inner structure, and why the row has none, or ""."""

_SPLIT_NAMES = ("split", "subset", "partition", "part", "set", "_part", "dataset_split", "data_split")
_QUESTION_FORMS = (
    ("answers",),
    ("answers.text", "answers.answer_start"),
    ("answer", "answer_start"),
    ("answer_text", "answer_start"),
    ("answer",),
)
_TAG_NAMES = ("tags", "ner_tags", "pos_tags", "labels", "ner")
_TOKEN_NAMES = ("tokens", "words")
_SHORTEST_CONTEXT = 40


def shape(reading: Reading, source: str) -> Reading:
    """The same rows with columns of known meaning put together; most tables stay as they are."""
    if reading.kind != "table":
        return reading
    sample = next(reading.batches(SetAside()), None)
    if sample is None:
        return reading
    reading = _take_part(reading, sample.frame)
    names = set(reading.columns)
    if form := _question_form(names, sample.frame):
        return _combine(reading, source, form, "answers", ANSWERS, lambda row: _answers(row, form))
    if form := _tagged_form(names, sample.frame):
        return _combine(reading, source, form, "tokens", SPANS, lambda row: _spans(row[form[0]], row[form[1]]))
    if {"instruction", "output"} <= names:
        used = [name for name in ("instruction", "input", "output", "system") if name in names]
        shaped = _combine(reading, source, used, COLUMN, MESSAGES, to_messages)
        return replace(shaped, kind="conversations")
    return reading


def _combine(
    reading: Reading,
    source: str,
    used: Sequence[str],
    name: str,
    dtype: pl.DataType,
    read: Callable[[Row], Shaped],
) -> Reading:
    """The reading with the columns `used` as one; rows that do not hold together are set aside."""
    kept = [column for column in reading.columns if column not in used]

    def batches(aside: SetAside) -> Iterator[Batch]:
        row = 0
        for batch in reading.batches(aside):
            inputs = batch.frame.select(*dict.fromkeys([*used, *_context(batch.frame)])).cast(pl.String)
            shaped = [read(cells) for cells in inputs.iter_rows(named=True)]
            wrong = [place for place, (_, reason) in enumerate(shaped) if reason]
            lines = batch.lines(wrong) if batch.lines else [row + place + 1 for place in wrong]
            for place, line in zip(wrong, lines, strict=True):
                aside.add(source, line, shaped[place][1], _shown(inputs.row(place, named=True)))
            row += len(shaped)
            column = pl.Series(name, [None if reason else cell for cell, reason in shaped], dtype=dtype)
            frame = batch.frame.drop(used).insert_column(_place(batch.frame, kept), column)
            yield Batch(frame.filter(pl.Series([not reason for _, reason in shaped], dtype=pl.Boolean)), batch.done)

    first = name in (COLUMN, "tokens")
    return replace(reading, columns=[name, *kept] if first else [*kept, name], batches=batches)


def _context(frame: pl.DataFrame) -> list[str]:
    return [name for name in ("context",) if name in frame.columns]


def _place(frame: pl.DataFrame, kept: list[str]) -> int:
    return sum(name in kept for name in frame.columns)


def _shown(row: Row) -> str:
    return json.dumps(row, ensure_ascii=False)


def _take_part(reading: Reading, sample: pl.DataFrame) -> Reading:
    """A column that says "train" or "test" in every row becomes the part of the rows."""
    name = next((name for name in reading.columns if name.lower() in _SPLIT_NAMES), None)
    if name is None or PART in sample.columns or len(reading.columns) < 2 or sample.schema[name] != pl.String:
        return reading
    words = sample[name].drop_nulls().unique().to_list()
    if not words or not all(named_part(word) for word in words):
        return reading

    def batches(aside: SetAside) -> Iterator[Batch]:
        for batch in reading.batches(aside):
            part = batch.frame[name].map_elements(named_part, return_dtype=pl.String).alias(PART)
            yield Batch(batch.frame.drop(name).with_columns(part), batch.done, batch.lines)

    return replace(reading, columns=[column for column in reading.columns if column != name], batches=batches)


def _question_form(names: set[str], sample: pl.DataFrame) -> tuple[str, ...]:
    """The columns that hold the answers, where the table asks questions about texts."""
    if not {"context", "question"} <= names or sample.schema["context"] != pl.String:
        return ()
    form = next((form for form in _QUESTION_FORMS if names.issuperset(form)), ())
    short = sample.select(pl.col("context").str.len_chars().mean() < _SHORTEST_CONTEXT).item()
    return () if form == ("answer",) and short else form


def _answers(row: Row, form: tuple[str, ...]) -> Shaped:
    """The passages of the context, each where it stands; the start that is named counts if it is near enough."""
    context = row["context"] or ""
    found = []
    for text, start in _named_answers(row, form):
        place = _nearest(context, text, start)
        if place is None:
            return None, f"the answer “{text[:80]}” is not in the context"
        found.append({"text": text, "start": place})
    return found, ""


def _named_answers(row: Row, form: tuple[str, ...]) -> list[tuple[str, int]]:
    cells = [row[name] for name in form]
    if form == ("answers",):
        value = _parsed(cells[0])
        if isinstance(value, dict):
            texts, starts = value.get("text", []), value.get("answer_start", [])
        else:
            entries = [entry for entry in value if isinstance(entry, dict)] if isinstance(value, list) else []
            texts = [entry.get("text") for entry in entries]
            starts = [entry.get("answer_start", entry.get("start")) for entry in entries]
    elif form[0] == "answers.text":
        texts, starts = _parsed(cells[0]) or [], _parsed(cells[1]) or []
    else:
        texts, starts = [cells[0]], [cells[1] if len(cells) > 1 else None]
    pairs = zip(texts, [*starts, *([None] * (len(texts) - len(starts)))], strict=False)
    return list(dict.fromkeys((str(text), _whole(start)) for text, start in pairs if text))


def _parsed(cell: Cell) -> object:
    try:
        return json.loads(cell) if cell else None
    except ValueError:
        return None


def _whole(cell: object) -> int:
    try:
        return int(float(str(cell)))
    except ValueError:
        return 0


def _nearest(context: str, text: str, start: int) -> int | None:
    """Where the text stands in the context: at `start`, else as near to it as possible."""
    if context.startswith(text, start):
        return start
    before, after = context.rfind(text, 0, max(start, 0) + len(text)), context.find(text, max(start, 0))
    places = [place for place in (before, after) if place >= 0]
    return min(places, key=lambda place: abs(place - start), default=None)


def _tagged_form(names: set[str], sample: pl.DataFrame) -> tuple[str, ...]:
    """The columns of tokens and tags, where both are lists."""
    tokens = next((name for name in _TOKEN_NAMES if name in names), None)
    tags = next((name for name in _TAG_NAMES if name in names), None)
    if tokens is None or tags is None or pl.String not in (sample.schema[tokens], sample.schema[tags]):
        return ()
    cells = sample.select(tokens, tags).cast(pl.String).head(10)
    return (tokens, tags) if all(isinstance(_parsed(cell), list) for row in cells.rows() for cell in row) else ()


def _spans(tokens: Cell, tags: Cell) -> Shaped:
    words, marks = _parsed(tokens), _parsed(tags)
    if not isinstance(words, list) or not isinstance(marks, list) or len(words) != len(marks) or not words:
        return None, "not one tag for each token"
    return [{"token": str(word), "tag": str(mark)} for word, mark in zip(words, marks, strict=True)], ""
