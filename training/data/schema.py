"""What is known of a data set version: `dataset.json` beside `data.parquet`."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

from training.tasks import ColumnType

DataKind: TypeAlias = Literal["table", "text", "images", "audio", "conversations"]
FixKey: TypeAlias = Literal[
    "drop_duplicates",
    "drop_near_duplicates",
    "drop_rows",
    "drop_column",
    "drop_missing",
    "merge_labels",
    "move_leaks_to_train",
    "set_values",
]

ID = "_id"
"""Int64 column: hash of the example's content, the same in every version that holds the example."""
PART = "_part"
"""String column: "train", "val" or "test" where the files said so, otherwise null."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Column(_Part):
    """One column as the importer understood it."""

    name: str
    type: ColumnType
    missing: int = 0
    unique: int = 0
    stats: dict[str, JsonValue] = {}
    """By type: min, max, mean, std, quantiles, histogram {edges, counts}; top [{value, count}]; length {mean, max};
    width, height, channels, mixed_sizes; seconds {min, max, mean}, rates; tags, labels [{value, count}]; empty."""


class Fix(_Part):
    """A remedy that `training.data.fixes` can carry out; the website shows `title` on a button."""

    key: FixKey
    title: str
    column: str = ""
    """The column it is about; empty where it is about whole rows."""
    labels: dict[str, str] = {}
    """merge_labels: what each label becomes."""
    values: dict[int, str | None] = {}
    """set_values: what the cell becomes, by row number; None empties it."""
    rows: list[int] = []
    """drop_rows: the row numbers, all of them."""


class Change(_Part):
    """What a fix has done on the way from one version to the next."""

    fix: Fix
    count: int
    """Rows that it removed or moved, or cells that it changed."""
    text: str


class Finding(_Part):
    """Something in the data that a person should look at."""

    key: str
    severity: Literal["info", "warning", "error"]
    title: str
    text: str
    column: str = ""
    rows: list[int] = []
    """Some of the rows it is about."""
    count: int = 0
    fix: Fix | None = None
    """What would mend it, where something does."""


class Proposal(_Part):
    """What could be learnt from the data."""

    task: str
    roles: dict[str, list[str]]
    state: Literal["good", "check", "choose"]
    """Looks good; detected, please check; choose a column to predict."""
    reason: str


class Description(_Part):
    """One data set version: its shape, its columns, what is wrong with it and what could be learnt."""

    kind: DataKind
    format: str
    """What was read, in words: "CSV, comma, UTF-8"."""
    rows: int
    bytes: int
    parts: dict[str, int] = {}
    """Rows per part where the files said so."""
    columns: list[Column]
    quality: list[Finding] = []
    proposals: list[Proposal] = []
    """The best first; never empty unless nothing can be learnt."""
    sources: list[str] = []
    sheets: list[str] = []
    """The sheets of the workbook that have rows, where there are several to choose from."""
    sheet: str = ""
    """The sheet that was read, where there are several."""
    set_aside: int = 0
    """Rows that could not be read; they are in `set_aside.parquet` with line numbers and reasons."""
    changes: list[Change] = []
    """What was done since the files came in, the oldest first."""
