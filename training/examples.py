"""A data set version as training sees it: the chosen columns, and which rows belong to which part."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.data.mapped import read_columns
from training.data.roles import check_division, check_parts
from training.data.schema import ID, PART
from training.data.split import assign_parts, division_column
from training.errors import TrainingError
from training.spec import TrainSpec

Part: TypeAlias = Literal["train", "val", "test"]
PARTS: tuple[Part, ...] = ("train", "val", "test")


@dataclass(frozen=True)
class Examples:
    """The columns that have a role, and the row numbers of each part in ascending order.

    Rows are numbered as in `data.parquet`. When no validation part was asked for, `val` is the test part: it is then
    only watched, never used to choose anything.
    """

    frame: pl.DataFrame
    ids: NDArray[np.int64]
    rows: dict[Part, NDArray[np.int64]]
    decides: pl.Series | None = None
    """The column that the split goes by, row by row; None where chance alone divides."""

    def column(self, name: str, part: Part) -> pl.Series:
        """The values of one column in one part, in row order."""
        return self.frame[name].gather(self.rows[part])

    def counts(self) -> dict[str, int]:
        """Examples per part."""
        return {part: len(rows) for part, rows in self.rows.items()}


def read_examples(spec: TrainSpec, folder: Path | None = None) -> Examples:
    """Read the columns that the spec names; rows without a target are left out of every part.

    What is larger than a gigabyte is mapped from a file without a name in `folder`.

    Raises TrainingError when a column is missing, is learnt from and divided by, or a part would be empty.
    """
    check_division(spec.task, spec.roles, spec.split)
    path = Path(spec.data) / "data.parquet"
    columns = [column for names in spec.roles.values() for column in names]
    decides = division_column(spec.split, spec.column("target") if "target" in spec.roles else "")
    frame = _read_columns(path, [*columns, *([decides] if decides else [])], folder)
    ids = frame[ID].to_numpy()
    given = frame[PART] if PART in frame.columns else pl.Series([None] * frame.height, dtype=pl.String)
    parts = assign_parts(ids, given, spec.split, frame[decides] if decides else None)
    usable = (
        frame[spec.column("target")].is_not_null().to_numpy() if "target" in spec.roles else np.ones(len(ids), bool)
    )
    rows: dict[Part, NDArray[np.int64]] = {part: np.flatnonzero((parts == part) & usable) for part in PARTS}
    if not len(rows["val"]):
        rows["val"] = rows["test"]
    check_parts({part: len(found) for part, found in rows.items()})
    return Examples(frame=frame.select(columns), ids=ids, rows=rows, decides=frame[decides] if decides else None)


def _read_columns(path: Path, columns: list[str], folder: Path | None) -> pl.DataFrame:
    try:
        there = pl.read_parquet_schema(path)
    except FileNotFoundError as error:
        raise TrainingError(
            f"There is no data set in {path.parent}.",
            "Import a file first: python -m training.data FILE FOLDER.",
            code="no_data",
        ) from error
    for column in columns:
        if column not in there:
            raise TrainingError(f"The data has no column “{column}”.", f"It has: {', '.join(_visible(there))}.")
    return read_columns(path, [*dict.fromkeys(columns), ID, *([PART] if PART in there else [])], folder)


def _visible(columns: object) -> list[str]:
    return [str(name) for name in columns if name not in (ID, PART)]  # type: ignore[attr-defined]
