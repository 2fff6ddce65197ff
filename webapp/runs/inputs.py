"""What a model was shown: rows of a data set version, a few at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from training.spec import TrainSpec
from training.tasks import ColumnType
from webapp.core import apart
from webapp.core.storage import local_folder
from webapp.datasets.models import DatasetVersion
from webapp.datasets.pages.preview import picture_url

MOST_TEXT = 1200
"""Characters of a cell that a page shows."""
ENCODED: dict[str, Literal["picture", "sound"]] = {"image": "picture", "audio": "sound"}
"""Types of column whose cells the browser fetches by their address."""
TEXTS = ("text", "conversation", "spans")
"""Types of column that are read as running text."""


@dataclass(frozen=True)
class Shown:
    """One cell that the model saw."""

    column: str
    kind: Literal["text", "picture", "sound", "cell"]
    value: str
    """The text, or the address of a picture or a sound."""


def inputs_of(version: DatasetVersion, spec: TrainSpec, rows: Sequence[int]) -> dict[int, list[Shown]]:
    """For each of the rows the cells that were not to be predicted; a row that is not there is left out."""
    types = {column.name: column.type for column in version.describe().columns}
    seen = [name for role, names in spec.roles.items() if role != "target" for name in names if name in types]
    columns = [name for name in seen if types[name] != "answers"]  # what is asked for, as a target is
    plain = [name for name in columns if types[name] not in ENCODED]
    cells = _read(version, plain, rows)
    return {row: [_shown(version, row, name, types[name], cells[row].get(name)) for name in columns] for row in cells}


def raw_inputs(version: DatasetVersion, spec: TrainSpec, row: int) -> dict[str, Any]:
    """The cells of one row that are not to be predicted, as they are stored, by column."""
    columns = [name for role, names in spec.roles.items() if role != "target" for name in names]
    return _read(version, columns, [row]).get(row, {})


def _shown(version: DatasetVersion, row: int, name: str, column_type: ColumnType, value: Any) -> Shown:
    if column_type in ENCODED:
        return Shown(name, ENCODED[column_type], picture_url(version, row, name))
    kind: Literal["text", "cell"] = "text" if column_type in TEXTS else "cell"
    return Shown(name, kind, _in_words(column_type, value)[:MOST_TEXT])


def _in_words(column_type: ColumnType, value: Any) -> str:
    """The cell as somebody would write it; marks and roles are for the model."""
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.10g}"
    if column_type == "spans":
        return " ".join(span["token"] for span in value)
    if column_type == "conversation":
        return "\n".join(turn["content"] or "" for turn in value)
    return str(value)


def _read(version: DatasetVersion, columns: Sequence[str], rows: Sequence[int]) -> dict[int, dict[str, Any]]:
    """The cells by row, read beside this process, because Arrow costs much memory."""
    found: dict[int, dict[str, Any]] = apart.run(
        "training.data.preview:read_stored", local_folder(version.folder), list(columns), list(rows)
    )
    return found
