"""What is known of a data set version: `dataset.json` beside `data.parquet`."""

from typing import Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, JsonValue

from training.tasks import ColumnType

DataKind: TypeAlias = Literal["table", "text", "images", "audio", "conversations"]

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
    width, height, channels, mixed_sizes."""


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
    set_aside: int = 0
    """Rows that could not be read; they are in `set_aside.parquet` with line numbers and reasons."""
