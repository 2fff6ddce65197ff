"""What a person should look at before training: each finding says what, why it matters, and where."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Literal

import numpy as np
import polars as pl

from training.data.columns import MOSTLY_EMPTY, is_identifier
from training.data.layout import DATA
from training.data.readers import SetAside
from training.data.roles import rare_classes
from training.data.schema import ID, PART, Column, Description, Finding

_ROWS = 20
"""Rows that a finding shows."""
_FEW = 10
"""Examples below which a class is hardly learnt."""
_UNEVEN = 0.8
_ORDER = {"error": 0, "warning": 1, "info": 2}


def check_quality(
    folder: Path, description: Description, aside: SetAside, misfits: Mapping[str, tuple[int, list[int]]]
) -> list[Finding]:
    """All findings about `data.parquet`, the gravest first.

    misfits: by column, how many cells are no value of its kind, and some of their rows.
    """
    path = folder / DATA
    findings = [
        *_set_aside(aside),
        *_misfits(misfits),
        *_target(path, description),
        *_repeats(path, description),
        *(finding for column in description.columns for finding in _column(path, description, column)),
    ]
    return by_gravity(findings)


def by_gravity(findings: list[Finding]) -> list[Finding]:
    """The gravest first, otherwise in their order."""
    return sorted(findings, key=lambda finding: _ORDER[finding.severity])


def _set_aside(aside: SetAside) -> Iterator[Finding]:
    if aside.count:
        first = aside.rows[0]
        yield Finding(
            key="set-aside",
            severity="warning",
            title=_counted(aside.count, "row could not be read", "rows could not be read"),
            text=f"They are left out and kept aside. The first is line {first.line} of {first.source}: {first.reason}.",
            count=aside.count,
        )


def _misfits(misfits: Mapping[str, tuple[int, list[int]]]) -> Iterator[Finding]:
    for name, (count, rows) in misfits.items():
        yield Finding(
            key="misfits",
            severity="warning",
            title=f"{_counted(count, 'cell', 'cells')} of “{name}” {'is' if count == 1 else 'are'} no number",
            text="All others are numbers, so these count as missing.",
            column=name,
            rows=rows[:_ROWS],
            count=count,
        )


def _column(path: Path, description: Description, column: Column) -> Iterator[Finding]:
    share = column.missing / description.rows
    if column.missing == description.rows:
        yield _finding("empty", "warning", column, f"“{column.name}” is empty", "Nothing can be learnt from it.")
    elif column.missing:
        mostly = share > MOSTLY_EMPTY
        yield Finding(
            key="mostly-empty" if mostly else "missing",
            severity="warning" if share > 0.3 else "info",
            title=f"“{column.name}” is missing in {_percent(share)} of the rows",
            text="It is left out unless you choose it." if mostly else "The model learns to do without where it is.",
            column=column.name,
            rows=_rows_where(path, pl.col(column.name).is_null()),
            count=column.missing,
        )
    if column.unique == 1 and column.type not in ("image", "conversation"):
        title = f"“{column.name}” says the same in every row"
        yield _finding("constant", "info", column, title, "Nothing can be learnt from it, so it is left out.")
    elif share <= MOSTLY_EMPTY and is_identifier(column, description.rows):
        title = f"“{column.name}” only tells the rows apart"
        text = "A model would learn it by heart instead of anything general, so it is left out unless you choose it."
        yield _finding("identifier", "info", column, title, text)
    if column.type == "category":
        yield from _near_labels(path, column)


def _near_labels(path: Path, column: Column) -> Iterator[Finding]:
    """Labels that a person would read as one: "Spam", "spam " and "SPAM"."""
    cell = pl.col(column.name)
    same = cell.str.strip_chars().str.replace_all(r"\s+", " ").str.to_lowercase()
    labels = pl.scan_parquet(path).select(cell.drop_nulls().unique().sort())
    groups = labels.group_by(same.alias("same")).agg(cell).filter(pl.col(column.name).list.len() > 1).sort("same")
    spellings: list[list[str]] = groups.collect()[column.name].to_list()
    if spellings:
        shown = "; ".join(" = ".join(f"“{label}”" for label in group) for group in spellings[:3])
        rare = [label for group in spellings for label in group[1:]]
        yield Finding(
            key="near-labels",
            severity="warning",
            title=f"“{column.name}” has labels that differ only in case or spaces",
            text=f"They count as different classes: {shown}.",
            column=column.name,
            rows=_rows_where(path, cell.is_in(rare)),
            count=len(spellings),
        )


def _target(path: Path, description: Description) -> Iterator[Finding]:
    """What concerns only the column that would be predicted."""
    names = description.proposals[0].roles.get("target", []) if description.proposals else []
    column = next((column for column in description.columns if column.name in names), None)
    if column is None or description.proposals[0].task == "tabular-regression":
        return
    counts = _counts(column, "top")
    for label in rare_classes(column):
        yield Finding(
            key="single-class",
            severity="error",
            title=f"The class “{label}” has one example",
            text="At least two are needed, one to learn from and one to judge by: add examples or remove the row.",
            column=column.name,
            rows=_rows_where(path, pl.col(column.name).cast(pl.String) == label),
            count=1,
        )
    few = [(label, count) for label, count in _counts(column, "rarest") if 1 < count < _FEW]
    if few:
        shown = ", ".join(f"“{label}” ({count})" for label, count in few[:5])
        text = f"{shown}. The model will hardly learn them, and their scores say little."
        yield _finding("small-class", "warning", column, f"Some classes have fewer than {_FEW} examples", text)
    present = description.rows - column.missing
    if counts and counts[0][1] > _UNEVEN * present:
        label, count = counts[0]
        share = _percent(count / present)
        text = f"Calling everything so is right {share} of the time: look at F1 too, not only at accuracy."
        yield _finding("imbalance", "info", column, f"“{label}” makes up {share} of “{column.name}”", text)


def _repeats(path: Path, description: Description) -> Iterator[Finding]:
    if description.kind != "images" and len(description.columns) == 1:
        return
    frame = pl.read_parquet(path, columns=[ID, PART])
    ids, parts = frame[ID].to_numpy(), frame[PART]
    _, first = np.unique(ids, return_index=True)
    repeats = np.setdiff1d(np.arange(len(ids)), first, assume_unique=True)
    if len(repeats):
        yield Finding(
            key="duplicates",
            severity="warning" if len(repeats) > 0.05 * len(ids) else "info",
            title=_counted(len(repeats), "row repeats an earlier one exactly", "rows repeat an earlier one exactly"),
            text="Repeats are kept on one side of the split, so that nothing held out has been seen in training.",
            rows=repeats[:_ROWS].tolist(),
            count=len(repeats),
        )
    held = (parts.is_in(["test", "val"])).fill_null(False).to_numpy()
    leaked = np.flatnonzero(held & np.isin(ids, ids[~held]))
    if len(leaked):
        yield Finding(
            key="leak",
            severity="warning",
            title=_counted(len(leaked), "held-out row is", "held-out rows are") + " in the training part too",
            text="The model has seen them, so the result on them looks better than it is.",
            rows=leaked[:_ROWS].tolist(),
            count=len(leaked),
        )


def _finding(key: str, severity: Literal["info", "warning", "error"], column: Column, title: str, text: str) -> Finding:
    return Finding(key=key, severity=severity, title=title, text=text, column=column.name)


def _counts(column: Column, key: str) -> list[tuple[str, int]]:
    entries = column.stats.get(key)
    return [
        (str(entry["value"]), int(str(entry["count"])))
        for entry in (entries if isinstance(entries, list) else [])
        if isinstance(entry, dict)
    ]


def _rows_where(path: Path, condition: pl.Expr) -> list[int]:
    lazy = pl.scan_parquet(path).with_row_index("row").filter(condition).select("row").head(_ROWS)
    return lazy.collect(engine="streaming")["row"].to_list()


def _counted(count: int, one: str, many: str) -> str:
    return f"{count:,} {one if count == 1 else many}"


def _percent(share: float) -> str:
    return "less than 1 %" if share < 0.01 else f"{min(round(100 * share), 99 if share < 1 else 100)} %"
