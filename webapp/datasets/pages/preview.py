"""Pages of rows, as the templates draw them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.data.schema import ID, PART, Column, Description
from webapp.core import apart
from webapp.core.storage import local_folder
from webapp.datasets.models import DatasetVersion
from webapp.datasets.pages.cells import Cell, cell_url, draw_row

ROWS = 25
PICTURES = 60
COLUMNS = 40


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
    picked: bool
    """Whether these are single rows, picked from all over the data."""
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
    rows = list(enumerate(_read_rows(version, first, size), start=first))
    return _page(version, description, rows, first=first, size=size, first_column=first_column)


def pick_page(version: DatasetVersion, description: Description, numbers: Sequence[int], *, first_column: int) -> Page:
    """Only the rows of these numbers, in ascending order."""
    there = sorted({number for number in numbers if 0 <= number < description.rows})
    rows = list(zip(there, read_picked(version, there), strict=True))
    return _page(version, description, rows, first=0, size=len(rows), first_column=first_column, picked=True)


def read_picked(version: DatasetVersion, numbers: Sequence[int]) -> list[dict[str, Any]]:
    """The rows of these numbers, which must be there and in ascending order."""
    rows: list[dict[str, Any]] = apart.run(
        "training.data.preview:pick_rows", local_folder(version.folder), list(numbers)
    )
    return rows


def _page(
    version: DatasetVersion,
    description: Description,
    rows: list[tuple[int, dict[str, Any]]],
    *,
    first: int,
    size: int,
    first_column: int,
    picked: bool = False,
) -> Page:
    columns = list(enumerate(description.columns))[first_column : first_column + COLUMNS]
    drawn = [Row(number, str(row[PART] or ""), draw_row(version, number, columns, row)) for number, row in rows]
    total = len(rows) if picked else description.rows
    return Page(columns, drawn, picked, first, size, total, first_column, len(description.columns))


def is_gallery(description: Description) -> bool:
    """Whether the rows are best seen as pictures side by side."""
    return description.kind == "images"


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


def whole_cell(version: DatasetVersion, row: int, column: int) -> Cell:
    """A cell that the preview cuts, whole."""
    columns = list(enumerate(version.describe().columns))
    return draw_row(version, row, columns, _read_rows(version, row, 1)[0], whole=True)[column]


def read_bytes(version: DatasetVersion, row: int, column: str) -> bytes:
    """The bytes of a picture or a sound; raises IndexError where there is none."""
    data: bytes = apart.run("training.data.preview:read_cell_bytes", local_folder(version.folder), row, column)
    return data


def _read_rows(version: DatasetVersion, first: int, limit: int) -> list[dict[str, Any]]:
    """Read beside this process, because Arrow costs much memory."""
    rows: list[dict[str, Any]] = apart.run(
        "training.data.preview:read_rows", local_folder(version.folder), first, limit
    )
    return rows
