"""What can be read: one file per format. A reader is chosen by what a file contains, not by what it is called."""

import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, TypeAlias

import polars as pl

from training.data.schema import DataKind
from training.data.source import Source
from training.data.visible import visible
from training.registry import Registry

KEPT_ASIDE = 10_000
"""Rows that could not be read are kept up to this number; beyond it they are only counted."""

LONGEST_NAME = 190
"""Characters of a column's name that are kept, with room for a number behind it."""


@dataclass(frozen=True)
class Aside:
    """A row that could not be read: where it stands, why, and what it says."""

    source: str
    line: int
    reason: str
    content: str


@dataclass
class SetAside:
    """The rows of one import that could not be read; all are counted, the first ones kept."""

    rows: list[Aside] = field(default_factory=list)
    count: int = 0

    def add(self, source: str, line: int, reason: str, content: str = "") -> None:
        """Write a row down."""
        self.count += 1
        if len(self.rows) < KEPT_ASIDE:
            self.rows.append(Aside(source, line, reason, content[:1000]))


Lines: TypeAlias = Callable[[Sequence[int]], list[int]]
"""From places in a frame, from 0 and in order, to lines of the file, from 1."""


@dataclass(frozen=True)
class Batch:
    """Some rows as the file has them. Cells are strings, or values of a type where the format has types.

    A column `_part` holds the part of each row where the file says so.
    """

    frame: pl.DataFrame
    done: float
    """Share of the source that is read, 0 to 1."""
    lines: Lines | None = None
    """Where rows of the frame stand in the file, where the reader knows."""


@dataclass(frozen=True)
class Reading:
    """A file whose format is understood; its rows can be read as often as needed."""

    format: str
    """In words: "CSV, comma, UTF-8"."""
    kind: DataKind
    columns: list[str]
    batches: Callable[[SetAside], Iterator[Batch]]
    verbatim: frozenset[str] = frozenset()
    """Columns whose strings are kept as they are, whatever they look like."""
    sheets: tuple[str, ...] = ()
    """The sheets of a workbook that have rows; the first is read unless another was asked for."""
    sheet: str = ""
    """The one that is read."""


class Reader(ABC):
    """One format. Subclasses register themselves; those with a smaller `order` are asked first."""

    key: ClassVar[str]
    order: ClassVar[int] = 100

    @classmethod
    @abstractmethod
    def recognises(cls, source: Source) -> bool:
        """Whether the file is of this format, as far as its first bytes tell."""

    @classmethod
    @abstractmethod
    def open(cls, source: Source, work: Path) -> Reading:
        """Understand the file; `work` is a folder for what has to be unpacked. Raises TrainingError."""


READERS: Registry[type[Reader]] = Registry("format", __name__)


def clean_names(names: list[str]) -> list[str]:
    """Column names that are present, unique and not special: "", "a", "a", "_id" -> column_1, a, a_2, id."""
    taken: set[str] = set()
    cleaned = []
    for number, raw in enumerate(names, start=1):
        name = re.sub(r"\s+", " ", visible(raw)).strip()[:LONGEST_NAME] or f"column_{number}"
        name = name.lstrip("_") if name in ("_id", "_part") else name
        if name == "*" or (name.startswith("^") and name.endswith("$")):  # polars reads these as patterns
            name = name.strip("^*$") or f"column_{number}"
        unique, again = name, 2
        while unique in taken:
            unique, again = f"{name}_{again}", again + 1
        taken.add(unique)
        cleaned.append(unique)
    return cleaned
