"""Columns that give a row several labels: a list in each cell, or a yes-or-no column for each label. No polars."""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence

from training.data.schema import Column, Description

SEPARATORS = (";", "|", ",")
"""What stands between labels, the surest first."""
_NONE = ("none", "-", "—")
"""What people write where no label fits."""


def find_separator(cells: Iterable[str]) -> str:
    """What stands between the labels of these cells; "" where each cell is one label or a list in brackets."""
    plain = [cell for cell in cells if not _is_list(cell)]
    return next((mark for mark in SEPARATORS if any(mark in cell for cell in plain)), "")


def split_labels(cell: str, separator: str) -> list[str]:
    """The labels that a cell names, each once: a list as JSON or Python writes it, or names between separators."""
    names = _read_list(cell) if _is_list(cell) else cell.split(separator) if separator else [cell]
    found = [name for name in dict.fromkeys(str(name).strip() for name in names) if name]
    return [] if len(found) == 1 and found[0].casefold() in _NONE else found


def labels_of(column: Column) -> list[str]:
    """The labels in the commonest cells of a column of lists; empty where each cell rather is a label of its own."""
    top = column.stats.get("top")
    if column.type not in ("category", "text") or not isinstance(top, list):
        return []
    cells = [str(entry["value"]) for entry in top if isinstance(entry, dict)]
    separator = find_separator(cells)
    found = [split_labels(cell, separator) for cell in cells]
    labels = list(dict.fromkeys(label for row in found for label in row))
    if all(map(_is_list, cells)):
        return labels
    return labels if len(labels) < len(cells) and any(len(row) > 1 for row in found) else []


def is_flag(column: Column) -> bool:
    """Whether the cells say yes or no."""
    if column.type == "boolean":
        return column.unique > 0
    low, high = column.stats.get("min"), column.stats.get("max")
    return column.type == "number" and column.unique == 2 and (low, high) == (0, 1)


def label_columns(description: Description) -> list[Column]:
    """The columns that say which labels a row has: the first with lists, else all with yes or no, if several."""
    lists = [column for column in description.columns if labels_of(column)]
    flags = [column for column in description.columns if is_flag(column)]
    return lists[:1] or (flags if len(flags) > 1 else [])


def count_labels(columns: Sequence[Column]) -> int:
    """About how many labels these columns tell apart, at least one."""
    return len(columns) if len(columns) > 1 else max(1, len(labels_of(columns[0])))


def _is_list(cell: str) -> bool:
    return cell.lstrip().startswith("[") and cell.rstrip().endswith("]")


def _read_list(cell: str) -> Iterable[object]:
    try:
        found: object = ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError):  # names without quotes
        return cell.strip()[1:-1].split(",")
    return found if isinstance(found, list) else [found]
