"""Clean a version: a list of fixes, applied to one version, makes the next, which says what was done to it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training.data.describing import describe_again
from training.data.findings import counted
from training.data.importing import ImportPhase, read_description, workplace
from training.data.layout import DATA, DESCRIPTION, SET_ASIDE
from training.data.near import near_groups
from training.data.quality_repeats import held_rows, leaks, repeated
from training.data.schema import ID, PART, Change, Description, Fix, FixKey
from training.data.writing import open_parquet, with_features
from training.errors import TrainingError

Mask: TypeAlias = NDArray[np.bool_]


@dataclass
class Plan:
    """What becomes of each row and column; filled by the fixes one after the other, carried out in one pass."""

    path: Path
    description: Description
    kept: Mask
    parts: pl.Series
    dropped: set[str] = field(default_factory=set)
    labels: dict[str, dict[str, str]] = field(default_factory=dict)
    values: dict[str, dict[int, str | None]] = field(default_factory=dict)

    def ids(self) -> NDArray[np.int64]:
        """Int64 [rows]."""
        return pl.read_parquet(self.path, columns=[ID])[ID].to_numpy()

    def column(self, name: str) -> pl.Series:
        """A column as it stands; raises TrainingError where there is none."""
        if name in self.dropped or name not in {column.name for column in self.description.columns}:
            raise TrainingError(f"There is no column “{name}”.", "Look at the newest version.", code="no_column")
        return pl.read_parquet(self.path, columns=[name])[name]

    def drop(self, rows: Mask) -> int:
        """Leave rows out; returns how many of them were still there."""
        count = int((self.kept & rows).sum())
        self.kept &= ~rows
        return count


def apply_fixes(folder: Path, fixes: Sequence[Fix], target: Path) -> Iterator[ImportPhase]:
    """Write the version in `folder`, with the fixes applied in their order, as a new version into `target`.

    Row numbers are those of the version in `folder`. Examples keep their ids, so that the split moves none and versions
    compare row by row. Raises TrainingError where a fix names what is not there or where nothing would be left.
    """
    yield ImportPhase("fixing", "Applying the changes")
    description = read_description(folder)
    plan = _plan(folder / DATA, description)
    changes = [_change(plan, fix) for fix in fixes]
    if not plan.kept.any():
        raise TrainingError("No row would be left.", "Choose fewer changes.", code="no_rows")
    with workplace(target) as (_, result):
        yield from _write(plan, result / DATA)
        if (folder / SET_ASIDE).exists():
            copyfile(folder / SET_ASIDE, result / SET_ASIDE)
        yield ImportPhase("profiling", "Looking at the columns")
        described = describe_again(result, description, [*description.changes, *changes])
        (result / DESCRIPTION).write_text(described.model_dump_json(indent=1))
        result.rename(target)


def _plan(path: Path, description: Description) -> Plan:
    parts = pl.read_parquet(path, columns=[PART])[PART]
    return Plan(path, description, np.ones(len(parts), dtype=bool), parts)


def _change(plan: Plan, fix: Fix) -> Change:
    count, text = _FIXES[fix.key](plan, fix)
    return Change(fix=fix, count=count, text=text)


def _drop_duplicates(plan: Plan, fix: Fix) -> tuple[int, str]:
    count = plan.drop(_again(plan.ids(), plan.kept))
    return count, f"Removed {counted(count, 'row that repeats', 'rows that repeat')} an earlier one exactly."


def _again(groups: NDArray[np.int64], kept: Mask) -> Mask:
    """Bool [rows]: whether an earlier kept row has the same group."""
    again = np.zeros(len(kept), dtype=bool)
    again[kept] = repeated(groups[kept])
    return again


def _drop_near_duplicates(plan: Plan, fix: Fix) -> tuple[int, str]:
    groups = near_groups(plan.path, plan.description)
    count = plan.drop(_again(groups, plan.kept))
    return count, f"Removed {counted(count, 'row that says', 'rows that say')} nearly the same as an earlier one."


def _drop_rows(plan: Plan, fix: Fix) -> tuple[int, str]:
    mask = np.zeros(len(plan.kept), dtype=bool)
    mask[[row for row in fix.rows if 0 <= row < len(mask)]] = True
    count = plan.drop(mask)
    return count, f"Removed {counted(count, 'row', 'rows')}."


def _drop_missing(plan: Plan, fix: Fix) -> tuple[int, str]:
    count = plan.drop(plan.column(fix.column).is_null().to_numpy())
    return count, f"Removed {counted(count, 'row', 'rows')} without a value in “{fix.column}”."


def _drop_column(plan: Plan, fix: Fix) -> tuple[int, str]:
    count = len(plan.column(fix.column))
    if len(plan.dropped) + 1 == len(plan.description.columns):
        raise TrainingError("No column would be left.", "Keep one of them.", code="no_columns")
    plan.dropped.add(fix.column)
    return count, f"Removed the column “{fix.column}”."


def _merge_labels(plan: Plan, fix: Fix) -> tuple[int, str]:
    cells = plan.column(fix.column).cast(pl.String)
    count = int((cells.is_in(list(fix.labels)) & pl.Series(plan.kept)).sum())
    plan.labels.setdefault(fix.column, {}).update(fix.labels)
    shown = ", ".join(f"“{old}” → “{new}”" for old, new in list(fix.labels.items())[:5])
    return count, f"Changed {counted(count, 'label', 'labels')} of “{fix.column}”: {shown}."


def _move_leaks(plan: Plan, fix: Fix) -> tuple[int, str]:
    """Held-out rows whose content is in the training part, exactly or nearly, go there too."""
    held = held_rows(plan.path, plan.description)
    leaked = leaks(plan.ids(), held) | leaks(near_groups(plan.path, plan.description), held)
    plan.parts = plan.parts.scatter(np.flatnonzero(leaked), "train")
    count = int((leaked & plan.kept).sum())
    return (
        count,
        f"Moved {counted(count, 'held-out row', 'held-out rows')} that training has seen to the training part.",
    )


def _set_values(plan: Plan, fix: Fix) -> tuple[int, str]:
    rows = {row: value for row, value in fix.values.items() if 0 <= row < len(plan.kept)}
    plan.values.setdefault(fix.column, {}).update(rows)
    return len(rows), f"Set {counted(len(rows), 'cell', 'cells')} of “{fix.column}” by hand."


_FIXES: dict[FixKey, Callable[[Plan, Fix], tuple[int, str]]] = {
    "drop_duplicates": _drop_duplicates,
    "drop_near_duplicates": _drop_near_duplicates,
    "drop_rows": _drop_rows,
    "drop_missing": _drop_missing,
    "drop_column": _drop_column,
    "merge_labels": _merge_labels,
    "move_leaks_to_train": _move_leaks,
    "set_values": _set_values,
}


def _write(plan: Plan, path: Path) -> Iterator[ImportPhase]:
    """One pass through the row groups."""
    with pq.ParquetFile(plan.path) as source:
        names = [name for name in source.schema_arrow.names if name not in plan.dropped]
        writer: pq.ParquetWriter | None = None
        start = 0
        for number in range(source.num_row_groups):
            table = _fixed(source.read_row_group(number, columns=names), plan, start)
            start += source.metadata.row_group(number).num_rows
            writer = writer or open_parquet(path, with_features(table.schema))
            if len(table):
                writer.write_table(table.cast(writer.schema))
            yield ImportPhase("fixing", "Applying the changes", start / source.metadata.num_rows)
        assert writer is not None
        writer.close()


def _fixed(table: pa.Table, plan: Plan, start: int) -> pa.Table:
    """The rows of one row group as they become; start: number of its first row."""
    rows = slice(start, start + len(table))
    for name in {*plan.labels, *plan.values} - plan.dropped:
        values = _cells(table, name, plan, rows)
        table = _with_column(table, name, values)
    table = _with_column(table, PART, plan.parts[rows].cast(pl.String))
    return table.filter(pa.array(plan.kept[rows]))


def _cells(table: pa.Table, name: str, plan: Plan, rows: slice) -> pl.Series:
    """One column with its labels merged and its cells set; a new column begins empty."""
    there = name in table.column_names
    old = pl.Series(name, table.column(name)) if there else pl.Series(name, [None] * len(table), pl.String)
    values = old.cast(pl.String).replace(plan.labels.get(name, {}))
    set_here = {
        row - rows.start: value for row, value in plan.values.get(name, {}).items() if rows.start <= row < rows.stop
    }
    values = values.scatter(list(set_here), list(set_here.values())) if set_here else values
    try:
        return values.cast(old.dtype)
    except pl.exceptions.InvalidOperationError as error:
        raise TrainingError(
            f"Not every value fits into “{name}”, which holds {_KINDS.get(str(old.dtype), 'other values')}.",
            "Give values of that kind.",
            code="bad_value",
        ) from error


_KINDS = {"Int64": "whole numbers", "Float64": "numbers", "Boolean": "true or false", "Datetime": "dates"}


def _with_column(table: pa.Table, name: str, values: pl.Series) -> pa.Table:
    arrow = values.to_arrow(compat_level=pl.CompatLevel.oldest())
    stored = table.schema.field(name).type if name in table.column_names else pa.string()
    column = arrow.cast(stored)
    if name in table.column_names:
        return table.set_column(table.schema.get_field_index(name), name, column)
    return table.add_column(table.schema.get_field_index(ID), name, column)
