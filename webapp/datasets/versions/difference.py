"""Two versions of a data set side by side, as the page draws them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from training.data.schema import PART, Column
from webapp.datasets.models import DatasetVersion, Revision
from webapp.datasets.pages import preview
from webapp.datasets.pages.cells import Cell, draw_row
from webapp.datasets.versions import services as versions

COLUMNS = 6
"""Columns that the examples show."""


@dataclass(frozen=True)
class Pair:
    """A row in both versions; a cell that did not change has no `after`."""

    number: int
    number_after: int
    cells: list[tuple[Cell, Cell | None]]
    parts: tuple[str, str] | None
    """The part before and after, where it changed."""


@dataclass(frozen=True)
class Comparison:
    """What is different, with examples."""

    facts: dict[str, Any]
    """`training.data.difference.Difference` as JSON."""
    columns: list[Column]
    changed: list[Pair]
    removed: list[tuple[int, list[Cell]]]
    added: list[tuple[int, list[Cell]]]

    @property
    def is_empty(self) -> bool:
        names = ("added", "removed", "changed", "columns_added", "columns_removed")
        return not any(self.facts[name] for name in names)


def number_before(version: DatasetVersion) -> int:
    """The number of the version that this one was made of, else of the one before it."""
    made = Revision.objects.filter(version=version).select_related("base").first()
    if made and made.base:
        return made.base.number
    earlier = version.dataset.versions.filter(number__lt=version.number).order_by("-number").first()
    return (earlier or version).number


def compare(before: DatasetVersion, after: DatasetVersion) -> Comparison:
    """Read the difference, and some of the rows it is about."""
    facts = versions.compare(before, after)
    columns = _columns(before, after, facts)
    names = [column.name for _at, column in columns]
    pairs = [(int(old), int(new)) for old, new in facts["changed_rows"]]
    return Comparison(
        facts=facts,
        columns=[column for _at, column in columns],
        changed=_pairs(before, after, columns, pairs),
        removed=_rows(before, facts["removed_rows"], names),
        added=_rows(after, facts["added_rows"], names),
    )


def _columns(before: DatasetVersion, after: DatasetVersion, facts: dict[str, Any]) -> list[tuple[int, Column]]:
    """The columns of both, those that changed first, then as they come, as many as a page takes."""
    there = {column.name for column in before.describe().columns}
    shared = [(at, column) for at, column in enumerate(after.describe().columns) if column.name in there]
    shared.sort(key=lambda entry: entry[1].name not in facts["columns_changed"])
    return shared[:COLUMNS]


def _rows(version: DatasetVersion, numbers: Sequence[int], names: list[str]) -> list[tuple[int, list[Cell]]]:
    places = {column.name: (at, column) for at, column in enumerate(version.describe().columns)}
    columns = [places[name] for name in names]
    rows = preview.read_picked(version, sorted(numbers))
    return [
        (number, draw_row(version, number, columns, row)) for number, row in zip(sorted(numbers), rows, strict=True)
    ]


def _pairs(
    before: DatasetVersion, after: DatasetVersion, columns: list[tuple[int, Column]], pairs: list[tuple[int, int]]
) -> list[Pair]:
    old_rows = _by_number(before, [old for old, _new in pairs])
    new_rows = _by_number(after, [new for _old, new in pairs])
    return [_pair(before, after, columns, (old, old_rows[old]), (new, new_rows[new])) for old, new in pairs]


def _by_number(version: DatasetVersion, numbers: list[int]) -> dict[int, dict[str, Any]]:
    return dict(zip(sorted(numbers), preview.read_picked(version, sorted(numbers)), strict=True))


def _pair(
    before: DatasetVersion,
    after: DatasetVersion,
    columns: list[tuple[int, Column]],
    old: tuple[int, dict[str, Any]],
    new: tuple[int, dict[str, Any]],
) -> Pair:
    places = {column.name: at for at, column in enumerate(before.describe().columns)}
    old_cells = draw_row(before, old[0], [(places[column.name], column) for _at, column in columns], old[1])
    new_cells = draw_row(after, new[0], columns, new[1])
    changed = [_differs(old[1][column.name], new[1][column.name]) for _at, column in columns]
    parts = (str(old[1][PART] or ""), str(new[1][PART] or ""))
    return Pair(
        number=old[0],
        number_after=new[0],
        cells=[(a, b if c else None) for a, b, c in zip(old_cells, new_cells, changed, strict=True)],
        parts=parts if parts[0] != parts[1] else None,
    )


def _differs(old: Any, new: Any) -> bool:
    """Pictures and sounds stand for themselves by their row, which may be another."""
    return old != new if not isinstance(old, dict) else False
