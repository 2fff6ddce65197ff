"""What is different between two versions of a data set."""

from pathlib import Path
from typing import Any

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict

from training.data.layout import DATA
from training.data.schema import ID, PART

SHOWN = 20
"""Rows of each kind that are named."""
CLASSES = 50


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ClassCount(_Part):
    """How many rows have a label, before and after."""

    label: str
    before: int
    after: int


class Difference(_Part):
    """Rows and columns that came, went or changed from one version to another, and the classes of a column.

    Rows are named by their number: those that went as in the version before, those that came as in the one after.
    """

    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int
    columns_added: list[str]
    columns_removed: list[str]
    columns_changed: dict[str, int]
    """By column, in how many rows its cell is another; `_part` among them."""
    classes: list[ClassCount]
    """Those whose counts differ, the largest difference first."""
    added_rows: list[int]
    removed_rows: list[int]
    changed_rows: list[tuple[int, int]]
    """Row before, row after."""


def compare_versions(before: Path, after: Path, target: str = "") -> Difference:
    """Compare the folders of two versions row by row; `target` names the column whose classes are counted.

    The same id is the same row, so that a row whose cell was corrected counts as changed. Pictures, sounds and other
    nested cells are not looked into: no fix changes them.
    """
    old_columns, new_columns = _columns(before), _columns(after)
    shared = [name for name in old_columns if name in new_columns]
    old, new = _rows(before), _rows(after)
    same = old.join(new, on=["id", "occurrence"], suffix="_after").sort("row")
    removed = old.join(new, on=["id", "occurrence"], how="anti").sort("row")
    added = new.join(old, on=["id", "occurrence"], how="anti").sort("row")
    differing = {name: _differ(before, after, name, same) for name in [*_plain(before, shared), PART]}
    changed = same.filter(pl.any_horizontal(*differing.values()))
    return Difference(
        rows_before=len(old),
        rows_after=len(new),
        added=len(added),
        removed=len(removed),
        changed=len(changed),
        columns_added=[name for name in new_columns if name not in old_columns],
        columns_removed=[name for name in old_columns if name not in new_columns],
        columns_changed={name: int(cells.sum()) for name, cells in differing.items() if cells.any()},
        classes=_classes(before / DATA, after / DATA, target) if target in shared else [],
        added_rows=added["row"].head(SHOWN).to_list(),
        removed_rows=removed["row"].head(SHOWN).to_list(),
        changed_rows=list(changed.select("row", "row_after").head(SHOWN).iter_rows()),
    )


def describe_difference(before: Path, after: Path, target: str = "") -> dict[str, Any]:
    """`compare_versions` in plain values, for a process that knows no polars."""
    return compare_versions(before, after, target).model_dump(mode="json")


def _columns(folder: Path) -> list[str]:
    return [name for name in pq.read_schema(folder / DATA).names if name not in (ID, PART)]


def _plain(folder: Path, names: list[str]) -> list[str]:
    schema = pq.read_schema(folder / DATA)
    return [name for name in names if not pa.types.is_nested(schema.field(name).type)]


def _rows(folder: Path) -> pl.DataFrame:
    """Row numbers with the rows' ids, counted where one occurs again."""
    ids = pl.read_parquet(folder / DATA, columns=[ID]).rename({ID: "id"})
    return ids.with_row_index("row").with_columns(occurrence=pl.int_range(pl.len()).over("id"))


def _differ(before: Path, after: Path, name: str, same: pl.DataFrame) -> pl.Series:
    """Bool [rows of `same`]: whether the row's cell in the column is another."""
    old = pl.read_parquet(before / DATA, columns=[name])[name].gather(same["row"])
    new = pl.read_parquet(after / DATA, columns=[name])[name].gather(same["row_after"])
    return old.ne_missing(new)


def _classes(before: Path, after: Path, target: str) -> list[ClassCount]:
    counts = [_class_counts(path, target) for path in (before, after)]
    labels = sorted(set(counts[0]) | set(counts[1]))
    found = [ClassCount(label=label, before=counts[0].get(label, 0), after=counts[1].get(label, 0)) for label in labels]
    found = [count for count in found if count.before != count.after]
    return sorted(found, key=lambda count: -abs(count.after - count.before))[:CLASSES]


def _class_counts(path: Path, target: str) -> dict[str, int]:
    labels = pl.scan_parquet(path).select(label=pl.col(target).cast(pl.String)).drop_nulls()
    return dict(labels.group_by("label").len().collect(engine="streaming").iter_rows())
