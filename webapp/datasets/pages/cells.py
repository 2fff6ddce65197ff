"""What a cell looks like: text, number, picture, sound, conversation, spans, answers in their context, boxes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from django.urls import reverse
from django.utils.formats import number_format

from training.data.schema import Column
from webapp.datasets.models import DatasetVersion

WORD = 32
"""Characters that stay on one line."""
TURNS = 4
TOKENS = 60
LONG = 160
"""Characters of a text that a row shows before "show all"."""
COLOURS = 10

Numbered: TypeAlias = tuple[int, Column]
"""A column with its place among the data set's columns."""

MIDNIGHT = " 00:00:00"
"""What stands behind a day without a time."""


@dataclass(frozen=True)
class Piece:
    """A stretch of a text; one that is marked has a name and a colour, 1 to 10."""

    text: str
    mark: str = ""
    colour: int = 0


@dataclass(frozen=True)
class Box:
    """A rectangle on a picture, in its pixels."""

    label: str
    colour: int
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True)
class Cell:
    """One cell; `url` leads to its picture or sound, or to the whole of what is cut."""

    kind: Literal["missing", "number", "text", "image", "audio", "conversation", "marked", "list"]
    text: str = ""
    url: str = ""
    turns: tuple[tuple[str, str], ...] = ()
    """Role and words of each turn of a conversation."""
    pieces: tuple[Piece, ...] = ()
    """A text with marked stretches, or the entries of a list."""
    boxes: tuple[Box, ...] = ()
    width: int = 0
    height: int = 0
    """Of a picture, in pixels."""
    css: str = ""


def draw_row(
    version: DatasetVersion, number: int, columns: Sequence[Numbered], values: dict[str, Any], *, whole: bool = False
) -> list[Cell]:
    """The row's cells in the order of the columns; what is long is cut unless the whole is asked for."""
    cells = [_cell(column, values[column.name], cell_url(version, number, at), whole) for at, column in columns]
    cells = _with_boxes(columns, values, cells)
    return _with_answers(columns, values, cells, whole)


def cell_url(version: DatasetVersion, row: int, column: int) -> str:
    """Where a cell's picture, sound or whole text is found."""
    return reverse("dataset-cell", args=[version.dataset_id, row, column]) + f"?version={version.number}"


def cut(text: str) -> str:
    """The beginning of a text, ending at a word where there is one."""
    if len(text) <= LONG:
        return text
    head = text[:LONG]
    return (head.rsplit(None, 1)[0] if len(head.split()) > 3 else head).rstrip(" ,;:.") + "…"


def _cell(column: Column, value: Any, url: str, whole: bool) -> Cell:
    if value is None or value == "":
        return Cell("missing", css="num" if column.type == "number" else "")
    if isinstance(value, bool):
        return Cell("text", str(value).lower())
    if isinstance(value, int | float):
        return Cell("number", _number(value), css="num")
    if column.type == "image":
        width, height = value["width"], value["height"]
        return Cell("image", f"{width} × {height}", url, width=width, height=height)
    if column.type == "audio":
        return Cell("audio", f"{value['seconds']:.1f} s", url)
    if column.type == "conversation":
        return _talk(value, url, whole)
    if column.type == "spans":
        return _tokens(column, value, url, whole)
    if column.type in ("answers", "boxes"):
        return _entries(column, value)
    return _text(str(value).removesuffix(MIDNIGHT) if column.type == "date" else str(value), url, whole)


def _text(text: str, url: str, whole: bool) -> Cell:
    if len(text) > LONG and not whole:
        return Cell("text", cut(text), url)
    return Cell("text", text, css="word" if len(text) <= WORD else "")


def _talk(turns: list[dict[str, str]], url: str, whole: bool) -> Cell:
    if whole:
        return Cell("conversation", turns=tuple((turn["role"], turn["content"] or "") for turn in turns))
    shown = tuple((turn["role"], cut(turn["content"] or "")) for turn in turns[:TURNS])
    complete = len(turns) <= TURNS and all(len(turn["content"] or "") <= LONG for turn in turns)
    return Cell("conversation", url="" if complete else url, turns=shown)


def _tokens(column: Column, spans: list[dict[str, str]], url: str, whole: bool) -> Cell:
    """Words with the named ones marked; a name that goes on ("B-PER I-PER") is one stretch."""
    shown = spans if whole else spans[:TOKENS]
    pieces: list[Piece] = []
    for span in shown:
        start, _dash, kind = span["tag"].rpartition("-")
        mark = "" if span["tag"] in ("O", "") else kind
        last = pieces[-1] if pieces else Piece("")
        if pieces and last.mark == mark and start != "B":
            pieces[-1] = replace(last, text=f"{last.text} {span['token']}")
        else:
            pieces.append(Piece(span["token"], mark, _colour(column, mark) if mark else 0))
    return Cell("marked", url=url if len(shown) < len(spans) else "", pieces=tuple(pieces))


def _entries(column: Column, entries: list[dict[str, Any]]) -> Cell:
    """Answers or boxes in words."""
    key = "text" if column.type == "answers" else "label"
    names = list(dict.fromkeys(str(entry[key]) for entry in entries))
    return Cell(
        "list", pieces=tuple(Piece(name, name, _colour(column, name) if key == "label" else 1) for name in names)
    )


def _with_boxes(columns: Sequence[Numbered], values: dict[str, Any], cells: list[Cell]) -> list[Cell]:
    """Boxes lie on the row's picture."""
    boxes = tuple(
        Box(str(box["label"]), _colour(column, str(box["label"])), box["x"], box["y"], box["width"], box["height"])
        for _at, column in columns
        if column.type == "boxes"
        for box in values[column.name] or ()
    )
    return [replace(cell, boxes=boxes) if cell.kind == "image" else cell for cell in cells] if boxes else cells


def _with_answers(columns: Sequence[Numbered], values: dict[str, Any], cells: list[Cell], whole: bool) -> list[Cell]:
    """Answers are marked in the text that has them where they say it has."""
    answers = [a for _at, column in columns if column.type == "answers" for a in values[column.name] or ()]
    if not answers:
        return cells
    marked = list(cells)
    for place, (_at, column) in enumerate(columns):
        text = values[column.name]
        if column.type in ("text", "category") and isinstance(text, str) and _holds(text, answers):
            marked[place] = _highlighted(text, answers, cells[place].url, whole)
    return marked


def _holds(text: str, answers: list[dict[str, Any]]) -> bool:
    return all(text.startswith(str(answer["text"]), answer["start"]) for answer in answers)


def _highlighted(text: str, answers: list[dict[str, Any]], url: str, whole: bool) -> Cell:
    """The text around the first answer, or all of it."""
    first = min(answer["start"] for answer in answers)
    begin, end = (0, len(text)) if whole else (max(0, first - LONG // 2), min(len(text), first + LONG))
    pieces, at = [Piece("…")] if begin else [], begin
    for start, stop in sorted({(answer["start"], answer["start"] + len(answer["text"])) for answer in answers}):
        if start < at or start > end:
            continue
        pieces += [Piece(text[at:start]), Piece(text[start:stop], "answer", 1)]
        at = stop
    pieces += [Piece(text[at:end] + ("…" if end < len(text) else ""))]
    cut_off = begin > 0 or end < len(text)
    return Cell(
        "marked", url=url if cut_off else "", pieces=tuple(piece for piece in pieces if piece.text), css="joined"
    )


def _colour(column: Column, name: str) -> int:
    """The same colour for the same name wherever it appears in the column."""
    known = _names(column.stats.get("tags")) or _names(column.stats.get("labels"))
    return (known.index(name) if name in known else sum(name.encode())) % COLOURS + 1


def _names(entries: Any) -> list[str]:
    names: Iterable[str] = (str(entry["value"]).rpartition("-")[2] for entry in entries or ())
    return list(dict.fromkeys(name for name in names if name != "O"))


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return number_format(f"{value:.6g}") if abs(value) < 1e15 else f"{value:.6g}"
