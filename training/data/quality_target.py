"""What concerns the column that would be predicted: its classes, and columns that give it away."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl

from training.data.findings import ROWS, counted, entries, percent, rows_where
from training.data.roles import rare_classes
from training.data.schema import Column, Description, Finding, Fix

FEW = 10
"""Examples below which a class is hardly learnt."""
_UNEVEN = 0.8
_LOOKED_AT = 50_000
"""Rows on which columns that give the target away are looked for."""
_SURE = 0.995
"""Share of rows whose class a single column tells, from which it gives the target away."""
_CORRELATED = 0.999
_BINS = 100
_MOST_FEATURES = 300
_MOST_DROPPED = 1000


def check_target(path: Path, description: Description) -> Iterator[Finding]:
    """Findings about the target of the first proposal; none where there is none."""
    if not description.proposals:
        return
    task, roles = description.proposals[0].task, description.proposals[0].roles
    column = next((column for column in description.columns if [column.name] == roles.get("target")), None)
    if column is None or column.type not in ("number", "boolean", "category"):
        return
    yield from _without_target(path, column)
    if not task.endswith("regression"):
        yield from _classes(path, description, column)
        yield from _contradictions(path, column, roles.get("text", []))
    for name in _giveaways(path, column, roles.get("features", []), classes=not task.endswith("regression")):
        yield Finding(
            key="giveaway",
            severity="warning",
            title=f"“{name}” gives “{column.name}” away",
            text=f"It alone tells “{column.name}” almost every time. If it is not known when the model is used, "
            "the result is too good to be true.",
            column=name,
            fix=Fix(key="drop_column", title=f"Remove “{name}”", column=name),
        )


def _without_target(path: Path, column: Column) -> Iterator[Finding]:
    if column.missing:
        yield Finding(
            key="missing-target",
            severity="warning",
            title=counted(column.missing, "row has", "rows have") + f" no “{column.name}”",
            text="Nothing can be learnt from them, and they are left out of every part: label or remove them.",
            column=column.name,
            rows=rows_where(path, pl.col(column.name).is_null()),
            count=column.missing,
            fix=Fix(key="drop_missing", title="Remove these rows", column=column.name),
        )


def _classes(path: Path, description: Description, column: Column) -> Iterator[Finding]:
    for label in rare_classes(column):
        rows = rows_where(path, pl.col(column.name).cast(pl.String) == label)
        yield Finding(
            key="single-class",
            severity="error",
            title=f"The class “{label}” has one example",
            text="At least two are needed, one to learn from and one to judge by: add examples or remove the row.",
            column=column.name,
            rows=rows,
            count=1,
            fix=Fix(key="drop_rows", title="Remove the row", rows=rows),
        )
    few = [(label, count) for label, count in entries(column, "rarest") if 1 < count < FEW]
    if few:
        shown = ", ".join(f"“{label}” ({count})" for label, count in few[:5])
        yield Finding(
            key="small-class",
            severity="warning",
            title=f"Some classes have fewer than {FEW} examples",
            text=f"{shown}. The model will hardly learn them, and their scores say little.",
            column=column.name,
            rows=rows_where(path, pl.col(column.name).cast(pl.String).is_in([label for label, _ in few])),
            count=sum(count for _, count in few),
        )
    counts, present = entries(column, "top"), description.rows - column.missing
    if counts and counts[0][1] > _UNEVEN * present:
        label, count = counts[0]
        share = percent(count / present)
        yield Finding(
            key="imbalance",
            severity="info",
            title=f"“{label}” makes up {share} of “{column.name}”",
            text=f"Calling everything so is right {share} of the time: look at F1 too, not only at accuracy.",
            column=column.name,
        )


def _contradictions(path: Path, column: Column, texts: list[str]) -> Iterator[Finding]:
    """The same text with different labels, one of which must be wrong."""
    if not texts:
        return
    hashed = pl.struct(texts).hash().alias("text")
    lazy = pl.scan_parquet(path).select(hashed, pl.col(column.name).alias("label"))
    labels = lazy.drop_nulls().group_by("text").agg(pl.col("label").n_unique().alias("labels"))
    hashes = labels.filter(pl.col("labels") > 1).collect(engine="streaming")["text"]
    if not len(hashes):
        return
    read = pl.scan_parquet(path).select(pl.struct(texts).hash().is_in(hashes.implode()).alias("torn"))
    rows = read.collect(engine="streaming")["torn"].arg_true().to_list()
    yield Finding(
        key="contradiction",
        severity="warning",
        title=counted(len(rows), "row has", "rows have") + f" the same text as another, but another “{column.name}”",
        text="One of the labels must be wrong, and the model cannot learn both.",
        column=column.name,
        rows=rows[:ROWS],
        count=len(rows),
        fix=Fix(key="drop_rows", title="Remove these rows", rows=rows) if len(rows) <= _MOST_DROPPED else None,
    )


def _giveaways(path: Path, target: Column, features: list[str], *, classes: bool) -> list[str]:
    """The columns that alone tell the target; looked for in the first rows."""
    chosen = features[:_MOST_FEATURES]
    if not chosen:
        return []
    frame = pl.scan_parquet(path).select(target.name, *chosen).head(_LOOKED_AT).drop_nulls(target.name).collect()
    if len(frame) < 2 * FEW or frame[target.name].n_unique() < 2:
        return []
    tells = _tells_class if classes else _tells_number
    return [name for name in chosen if tells(frame.select(target.name, name).drop_nulls(), len(frame))]


def _tells_class(pair: pl.DataFrame, rows: int) -> bool:
    """Whether the commonest class of the other rows with the same value is right, and guessing is much worse."""
    target, name = pair.columns
    if len(pair) < 0.5 * rows or pair[name].n_unique() < 2:
        return False
    values = pair[name]
    if values.dtype.is_numeric() and values.n_unique() > _BINS:
        values = (values.rank() * _BINS / len(values)).cast(pl.Int64)
    classes = pair[target].cast(pl.String).str.strip_chars().str.to_lowercase()  # one class however it is written
    grouped = pl.DataFrame({"class": classes, "value": values.cast(pl.String)})
    groups = grouped.group_by("value", "class").len().group_by("value").agg(pl.col("len").max().alias("best"))
    right = (groups["best"].sum() - len(groups)) / max(len(pair) - len(groups), 1)
    guess = grouped["class"].value_counts()["count"].max()
    return len(groups) <= 0.5 * len(pair) and right >= _SURE and _number(guess) / len(pair) < 2 * _SURE - 1


def _tells_number(pair: pl.DataFrame, rows: int) -> bool:
    """Whether the column is the target in other units, or its order."""
    target, name = pair.columns
    if len(pair) < 0.5 * rows or not pair[name].dtype.is_numeric() or pair[name].n_unique() < FEW:
        return False
    ranks = np.corrcoef(pair[target].rank().to_numpy(), pair[name].rank().to_numpy())[0, 1]
    return bool(abs(ranks) >= _CORRELATED)


def _number(value: object) -> float:
    return float(str(value))
