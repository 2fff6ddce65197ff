"""How a delimited text is written: delimiter, quotes, header, number of columns."""

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Protocol

import numpy as np

from training.data.text_files import chunks
from training.errors import TrainingError

DELIMITERS = {"\t": "tab", ";": "semicolon", "|": "pipe", ",": "comma"}
"""In the order of preference: a comma is the one that numbers and sentences contain too."""
_SAMPLE_ROWS = 500
_FEW_ODD = 2
"""Lines with an odd number of quotes; with more of them, quotes are letters that people type."""
_NUMBER = re.compile(r"[+-]?[$€£¥]?(\d+([.,]\d+)*|[.,]\d+)([eE][+-]?\d+)?\s?%?")
_IDENTIFIER = re.compile(r"[^\W\d][\w .:/()\[\]%#?&°²³+-]{0,40}")
_HEADERS = """
label labels text target class category id name title review description content message sentence question answer
context source score rating date time value price y x input output en de fr zh index split file path image filename
sentiment topic url comment
"""
_HEADER_WORDS = frozenset(_HEADERS.split())


@dataclass(frozen=True)
class Dialect:
    """How the rows of one file are cut into cells."""

    delimiter: str
    quoted: bool
    header: list[str] | None
    width: int
    """Cells in a row."""

    @property
    def words(self) -> str:
        """For people: "comma, no header"."""
        parts = [DELIMITERS.get(self.delimiter, "one column")]
        if not self.quoted:
            parts.append("no quotes")
        if self.header is None:
            parts.append("no header")
        return ", ".join(parts)


class CutRows(Protocol):
    """An iterator of rows that knows how many lines it has read."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


def sample_rows(text: str, delimiter: str, *, quoted: bool = True, complete: bool = True) -> list[list[str]]:
    """The first rows cut into cells, empty lines left out; a last row that may be cut off too unless `complete`."""
    rows: list[list[str]] = []
    reader = cut_rows(io.StringIO(text, newline=""), delimiter, quoted=quoted)
    for row in reader:
        if row:
            rows.append(row)
        if len(rows) > _SAMPLE_ROWS:
            return rows[:_SAMPLE_ROWS]
    return rows if complete or len(rows) < 2 else rows[:-1]


def cut_rows(lines: Iterable[str], delimiter: str, *, quoted: bool) -> CutRows:
    """The rows as Python's own reader cuts them."""
    csv.field_size_limit(1 << 30)
    return csv.reader(lines, delimiter=delimiter, quoting=csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE)


def consistency(rows: list[list[str]]) -> tuple[float, int]:
    """Share of rows with the commonest number of cells, and that number."""
    if not rows:
        return 0.0, 0
    width, count = Counter(map(len, rows)).most_common(1)[0]
    return count / len(rows), width


def find_delimiter(text: str, *, complete: bool, least: float) -> str | None:
    """The character that cuts the rows into the same number of cells, at least two, in a share `least` of them."""
    best: tuple[float, str] | None = None
    for delimiter in DELIMITERS:
        share, width = consistency(sample_rows(text, delimiter, complete=complete))
        if width > 1 and share >= least and (best is None or share > best[0] + 0.02):
            best = (share, delimiter)
    return best[1] if best else None


def detect_dialect(path: Path, head: str, delimiter: str, *, complete: bool, name: str) -> Dialect:
    """Look at the first rows for the header and at the whole file for its quotes."""
    quoted = quotes_hold(path, delimiter, name)
    rows = sample_rows(head, delimiter, quoted=quoted, complete=complete)
    first, rest = rows[0], rows[1:]
    width = max(consistency(rest)[1], 1) if rest else len(first)
    has_header = looks_like_header(first, [row for row in rest if len(row) == width])
    if has_header and len(first) < width:
        first = first + [""] * (width - len(first))
    if has_header and len(first) > width:
        width = len(first)
    return Dialect(delimiter, quoted, first if has_header else None, width)


def looks_like_header(first: list[str], rest: list[list[str]]) -> bool:
    """Whether the first row names the columns: it differs in kind from the rows below it."""
    cells = [cell.strip() for cell in first]
    if not rest:
        return not any(_NUMBER.fullmatch(cell) for cell in cells)
    votes = 0.0
    for position, cell in enumerate(cells):
        below = [row[position].strip() for row in rest if position < len(row)]
        votes += _header_vote(cell, [value for value in below if value])
    if len(set(cells)) < len(cells):
        votes -= 0.5
    return votes > 0 or (votes == 0 and all(_IDENTIFIER.fullmatch(cell) for cell in cells))


def _header_vote(cell: str, below: list[str]) -> float:
    if not cell or not below:
        return 0.0
    numbers = sum(bool(_NUMBER.fullmatch(value)) for value in below) / len(below)
    if _NUMBER.fullmatch(cell):
        return -2.0 if numbers > 0.5 else -0.5
    if numbers > 0.8:
        return 2.0
    if cell.lower() in _HEADER_WORDS or re.split(r"[\W_]+", cell.lower())[-1] in _HEADER_WORDS:
        return 1.5
    if cell in below:
        return -2.0
    mean = sum(map(len, below)) / len(below)
    if _IDENTIFIER.fullmatch(cell) and len(cell) < 0.4 * mean:
        return 0.5
    return -0.5 if len(cell) > 60 else 0.0


def quotes_hold(path: Path, delimiter: str, name: str) -> bool:
    """Whether quotes enclose cells in this file, rather than being ordinary characters.

    Raises TrainingError that names the line where a quote is opened and never closed.
    """
    if _quotes_are_strict(path, delimiter):
        return True
    failure = _first_quote_failure(path, delimiter)
    if failure is None:
        return True
    line, closed = failure
    rows = sample_rows(_first_text(path), delimiter, quoted=False, complete=False)
    if consistency(rows)[0] >= 0.98 and _quotes_are_letters(path, rows):
        return False
    if closed == line:
        return True
    raise TrainingError(
        f"{name}: the quotation mark in line {line} is never closed, or not where its cell ends.",
        "Close or remove that quotation mark and upload the file again.",
        code="open_quote",
    )


def _quotes_are_letters(path: Path, rows: list[list[str]]) -> bool:
    """Whether quotes stand where they like, rather than around cells of which one was left open."""
    marked = [cell for row in rows for cell in row if '"' in cell]
    around = sum(len(cell) > 1 and cell[0] == '"' == cell[-1] for cell in marked)
    if around > 0.5 * len(marked):
        return False
    with path.open("rb") as file:
        odd = islice((line for line in file if line.count(b'"') % 2), _FEW_ODD + 1)
        return sum(1 for _ in odd) > _FEW_ODD


def _first_text(path: Path) -> str:
    return next(chunks(path), b"").decode("utf-8", "replace")


def _quotes_are_strict(path: Path, delimiter: str) -> bool:
    """Whether every quote opens after a delimiter and closes before one (RFC 4180); one fast scan."""
    outside = np.frombuffer(f'{delimiter}\n\r"'.encode(), dtype=np.uint8)
    inside, last = 0, ord("\n")
    for chunk in chunks(path):
        buffer = np.frombuffer(bytes([last]) + chunk + b"\n", dtype=np.uint8)
        quotes = np.flatnonzero(buffer[1:-1] == ord('"')) + 1
        opening, closing = quotes[inside::2], quotes[1 - inside :: 2]
        closing = closing[closing < len(buffer) - 2]
        if not np.isin(buffer[opening - 1], outside).all() or not np.isin(buffer[closing + 1], outside).all():
            return False
        inside = (inside + len(quotes)) % 2
        last = chunk[-1]
    return inside == 0


def _first_quote_failure(path: Path, delimiter: str) -> tuple[int, int | None] | None:
    """Line of the first quoted cell that does not end at a delimiter, and the line where its quote ends if it does."""
    csv.field_size_limit(1 << 30)
    before = 0
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = csv.reader(file, delimiter=delimiter, strict=True)
        while True:
            before = reader.line_num
            try:
                next(reader)
            except StopIteration:
                return None
            except csv.Error as error:
                return before + 1, None if "unexpected end" in str(error) else reader.line_num
