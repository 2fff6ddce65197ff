"""A file that somebody brought, and what its name and its first bytes say."""

import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from training.data.text_files import is_gzip, peek_text
from training.errors import TrainingError

HEAD_BYTES = 1 << 18
"""Bytes of a file that a reader may look at to recognise its format."""
_MARKS = b"\xef\xbb\xbf\xff\xfe"
"""Bytes of byte-order marks."""
_PART_WORDS = {
    "train": "train", "training": "train", "learn": "train",
    "test": "test", "testing": "test", "heldout": "test", "holdout": "test",
    "val": "val", "valid": "val", "validation": "val", "dev": "val",
}  # fmt: skip


@dataclass(frozen=True)
class Source:
    """One file that somebody brought, under the name that they gave it."""

    path: Path
    name: str
    head: bytes
    sheet: str = ""
    """The sheet of a workbook that is asked for."""

    @property
    def suffix(self) -> str:
        """What the name ends in, small: ".csv"; a trailing .gz is not looked at."""
        return Path(self.name.lower().removesuffix(".gz")).suffix

    @property
    def part(self) -> str | None:
        """The part, "train", "val" or "test", where the name says so."""
        return named_part(Path(self.name).name)

    @cached_property
    def text(self) -> str:
        """The first characters, unpacked and decoded; "" where the file is packed and damaged."""
        return peek_text(self.head)

    @cached_property
    def complete(self) -> bool:
        """Whether `text` is the whole file."""
        return not is_gzip(self.head) and len(self.head) >= self.path.stat().st_size


def look_at(path: Path, name: str, sheet: str = "") -> Source:
    """Read the first bytes; raises TrainingError where there is nothing in the file."""
    with path.open("rb") as file:
        head = file.read(HEAD_BYTES)
    if not head.strip().strip(_MARKS):
        raise TrainingError(f"{name} is empty.", "Choose a file with data in it.", code="empty")
    return Source(path, name, head, sheet)


def named_part(name: str) -> str | None:
    """The part, "train", "val" or "test", if one word of the name says so: `adult_income_test.csv` -> "test"."""
    words = re.split(r"[^a-z]+", name.lower())
    parts = {_PART_WORDS[word] for word in words if word in _PART_WORDS}
    return parts.pop() if len(parts) == 1 else None
