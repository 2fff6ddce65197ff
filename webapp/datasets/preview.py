"""Pages of rows, as the templates draw them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from django.urls import reverse
from django.utils.formats import number_format

from training.data.schema import ID, PART, Column, Description
from webapp.core import apart
from webapp.core.storage import local_folder
from webapp.datasets.models import DatasetVersion

ROWS = 25
PICTURES = 60
COLUMNS = 40
WORD = 32
"""Characters that stay on one line."""
TURNS = 4
LONG = 160
"""Characters of a text that a row shows before "show all"."""


@dataclass(frozen=True)
class Cell:
    """One cell; `url` leads to the picture, or to the whole of a text that is cut."""

    kind: Literal["missing", "number", "text", "image", "conversation"]
    text: str = ""
    url: str = ""
    turns: tuple[tuple[str, str], ...] = ()
    """Role and words of each turn of a conversation."""
    css: str = ""


@dataclass(frozen=True)
class Row:
    """One row with its number in the data set, counted from 0."""

    number: int
    part: str
    cells: list[Cell]


@dataclass(frozen=True)
class Page:
    """A stretch of rows and of columns, and where the neighbouring stretches begin."""

    columns: list[tuple[int, Column]]
    """Column numbers with the columns."""
    rows: list[Row]
    first: int
    size: int
    total: int
    first_column: int
    total_columns: int

    @property
    def last(self) -> int:
        return self.first + len(self.rows)

    @property
    def earlier(self) -> int | None:
        return max(0, self.first - self.size) if self.first else None

    @property
    def later(self) -> int | None:
        return self.first + self.size if self.first + self.size < self.total else None

    @property
    def last_column(self) -> int:
        return self.first_column + len(self.columns)

    @property
    def columns_before(self) -> int | None:
        return max(0, self.first_column - COLUMNS) if self.first_column else None

    @property
    def columns_after(self) -> int | None:
        return self.last_column if self.last_column < self.total_columns else None


def read_page(version: DatasetVersion, description: Description, *, first: int, first_column: int) -> Page:
    """The rows from `first` on, with as many columns as a screen takes."""
    size = PICTURES if is_gallery(description) else ROWS
    columns = list(enumerate(description.columns))[first_column : first_column + COLUMNS]
    rows = _read_rows(version, first, size)
    drawn = [
        Row(
            number,
            str(row[PART] or ""),
            [_cell(version, number, index, column, row[column.name]) for index, column in columns],
        )
        for number, row in enumerate(rows, start=first)
    ]
    return Page(columns, drawn, first, size, description.rows, first_column, len(description.columns))


def is_gallery(description: Description) -> bool:
    """Whether the rows are best seen as pictures side by side."""
    return description.kind == "images"


def cell_url(version: DatasetVersion, row: int, column: int) -> str:
    """Where a cell's picture or whole text is found."""
    return reverse("dataset-cell", args=[version.dataset_id, row, column]) + f"?version={version.number}"


def picture_url(version: DatasetVersion, row: int, column: str) -> str:
    """Where the picture of a named column is found; for pages that show examples of the data."""
    names = [str(known["name"]) for known in version.description["columns"]]
    return cell_url(version, row, names.index(column))


def api_rows(version: DatasetVersion, *, first: int, limit: int) -> list[dict[str, Any]]:
    """Rows as programs read them; a picture is its size and the address of its bytes."""
    rows = _read_rows(version, first, limit)
    for number, row in enumerate(rows, start=first):
        for index, name in enumerate(name for name in row if name not in (ID, PART)):
            if isinstance(row[name], dict):
                row[name] = row[name] | {"url": cell_url(version, number, index)}
    return rows


def whole_cell(version: DatasetVersion, row: int, column: str) -> Any:
    """A cell that the preview cuts, whole."""
    return _read_rows(version, row, 1)[0][column]


def picture(version: DatasetVersion, row: int, column: str) -> bytes:
    """The bytes of a picture; raises IndexError where there is none."""
    data: bytes = apart.run("training.data.preview:read_cell_bytes", local_folder(version.folder), row, column)
    return data


def _read_rows(version: DatasetVersion, first: int, limit: int) -> list[dict[str, Any]]:
    """Read beside this process, because Arrow costs much memory."""
    rows: list[dict[str, Any]] = apart.run(
        "training.data.preview:read_rows", local_folder(version.folder), first, limit
    )
    return rows


def _cell(version: DatasetVersion, row: int, index: int, column: Column, value: Any) -> Cell:
    if value is None or value == "":
        return Cell("missing", css="num" if column.type == "number" else "")
    if isinstance(value, bool):
        return Cell("text", str(value).lower())
    if isinstance(value, int | float):
        return Cell("number", _number(value), css="num")
    if isinstance(value, dict):
        return Cell("image", f"{value['width']} × {value['height']}", cell_url(version, row, index))
    if isinstance(value, list):
        return _talk(value, cell_url(version, row, index))
    text = str(value)
    if len(text) > LONG:
        return Cell("text", cut(text), cell_url(version, row, index))
    return Cell("text", text, css="word" if len(text) <= WORD else "")


def _talk(turns: list[dict[str, str]], url: str) -> Cell:
    shown = tuple((turn["role"], cut(turn["content"] or "")) for turn in turns[:TURNS])
    whole = len(turns) <= TURNS and all(len(turn["content"] or "") <= LONG for turn in turns)
    return Cell("conversation", url="" if whole else url, turns=shown)


def cut(text: str) -> str:
    """The beginning of a text, ending at a word where there is one."""
    if len(text) <= LONG:
        return text
    head = text[:LONG]
    return (head.rsplit(None, 1)[0] if len(head.split()) > 3 else head).rstrip(" ,;:.") + "…"


def _number(value: float) -> str:
    if isinstance(value, int):
        return str(value)
    return number_format(f"{value:.6g}") if abs(value) < 1e15 else f"{value:.6g}"
