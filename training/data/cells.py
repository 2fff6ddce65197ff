"""What the cells of a column are: decided on the first rows, checked on all of them."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import polars as pl

Storage: TypeAlias = Literal["empty", "integer", "number", "boolean", "date", "text", "typed"]

MISSING = ("", "?", "NA", "N/A", "n/a", "na", "NaN", "nan", "-nan", "NULL", "null", "Null", "#N/A", "<NA>", "#NULL!")
"""What people and programs write for "not known"."""
_NO_NUMBER = (*MISSING, "-", "--", ".", "None", "none", "#VALUE!", "#REF!", "#DIV/0!", "#NAME?")
_FREE_TEXT = 30
"""Mean characters from which cells are sentences, in which "NA" is a word and not a sign of absence."""
_TOLERANCE = 0.01
"""Share of cells that may be no number in a column of numbers; they become missing and are reported."""
_DATE_FORMATS = (
    "%Y-%m-%d",
    "%Y-%m-%d %H:%M:%S",
    "%Y-%m-%dT%H:%M:%S",
    "%Y-%m-%d %H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.f",
    "%Y-%m-%dT%H:%M:%S%.fZ",
    "%Y-%m-%d %H:%M",
    "%Y/%m/%d",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y",
    "%d.%m.%Y %H:%M",
    "%m/%d/%Y",
    "%d/%m/%Y",
    "%m/%d/%Y %H:%M",
    "%d/%m/%Y %H:%M",
    "%m/%d/%Y %H:%M:%S",
    "%d/%m/%Y %H:%M:%S",
)


_CODE = r"^[+-]?(0\d+(\D|$)|\d{16})"
"""Codes such as 00123 and very long digits are no numbers."""


@dataclass(frozen=True)
class Cells:
    """How the strings of one column become values."""

    storage: Storage
    decimal: str = "."
    decorated: bool = False
    """Whether numbers carry a currency, a percent sign or separators between thousands."""
    date_format: str = ""
    free_text: bool = False

    def values(self, name: str) -> pl.Expr:
        """The column as values; a cell that does not fit becomes null."""
        if self.storage == "typed":
            return pl.col(name)
        if self.storage == "text" or self.storage == "empty":
            absent = ("",) if self.free_text else MISSING
            return pl.when(~_stripped(name).is_in(absent)).then(pl.col(name)).alias(name)
        present = self.present(name)
        if self.storage == "boolean":
            return (
                pl.when(present.str.to_lowercase() == "true")
                .then(True)
                .when(present.str.to_lowercase() == "false")
                .then(False)
                .alias(name)
            )
        if self.storage == "date":
            return present.str.strptime(pl.Datetime("us"), self.date_format, strict=False).alias(name)
        if self.storage == "integer":
            return self._plain(present).cast(pl.Int64, strict=False).alias(name)
        number = self._plain(present).cast(pl.Float64, strict=False)
        return pl.when(number.is_finite()).then(number).alias(name)

    def present(self, name: str) -> pl.Expr:
        """The stripped strings that ought to have a value."""
        stripped = _stripped(name)
        absent = _NO_NUMBER if self.storage in ("integer", "number") else MISSING
        return pl.when(~stripped.is_in(absent)).then(stripped)

    def misfits(self, name: str) -> pl.Expr:
        """Whether a cell says something that is no value of this kind."""
        if self.storage == "empty":
            return self.present(name).is_not_null()
        return self.present(name).is_not_null() & self.values(name).is_null()

    def _plain(self, text: pl.Expr) -> pl.Expr:
        if self.decorated:
            thousands = r"[\s\u00a0$€£¥%']" + ("|," if self.decimal == "." else r"|\.")
            text = text.str.replace_all(thousands, "")
        return text.str.replace(",", ".", literal=True) if self.decimal == "," else text


def read_cells(column: pl.Series, cells: Cells) -> tuple[pl.Series, pl.Series | None]:
    """The values of a column, and which of its cells are misfits where there are any."""
    if cells.storage == "typed":
        return column, None
    strings = column if column.dtype == pl.String else column.cast(pl.String)
    quick = _plain_numbers(strings, cells)
    if quick is not None:
        return quick, None
    if cells.storage == "text":
        return strings.to_frame().select(cells.values(column.name)).to_series(), None
    misfit = cells.misfits(column.name).alias(f"{column.name} misfit")
    read = strings.to_frame().select(cells.values(column.name), misfit)
    values, misfits = read.get_columns()
    return values, misfits if misfits.any() else None


_PLAIN = (Cells("integer"), Cells("number"))


def _plain_numbers(strings: pl.Series, cells: Cells) -> pl.Series | None:
    """The numbers where all cells are plain ones, which is common and ten times as fast to find out."""
    if cells.storage not in ("integer", "number") or cells.decorated or cells.decimal != ".":
        return None
    numbers = strings.cast(pl.Int64 if cells.storage == "integer" else pl.Float64, strict=False)
    return numbers if numbers.null_count() == 0 and numbers.is_finite().all() else None


def decide(values: pl.Series) -> Cells:
    """How the strings of a sample are best read; values that have a type already stay as they are."""
    if values.dtype != pl.String:
        return Cells("typed")
    if plain := _plainly(values):
        return plain
    frame = values.rename("cell").to_frame()
    if frame.select(Cells("date").present("cell").is_null().all()).item():
        return Cells("empty")
    for cells in _candidates(frame):
        if fits(cells, frame):
            return cells
    lengths = frame.select(Cells("text").present("cell").str.len_chars().mean()).item()
    return Cells("text", free_text=lengths > _FREE_TEXT)


def _plainly(values: pl.Series) -> Cells | None:
    """Numbers where all cells are plain ones and none looks like a code; found out without trying everything else."""
    if not len(values) or values.str.contains(_CODE).any():
        return None
    return next((cells for cells in _PLAIN if _plain_numbers(values, cells) is not None), None)


def fits(cells: Cells, frame: pl.DataFrame) -> bool:
    """Whether the column `cell` of the frame can be read so; numbers allow for a few cells that are none."""
    misfits, present = frame.select(
        cells.misfits("cell").sum(), cells.present("cell").is_not_null().sum().alias("present")
    ).row(0)
    return tolerable(cells, misfits, present) and misfits < present


def tolerable(cells: Cells, misfits: int, present: int) -> bool:
    """Whether so many misfits among the present cells leave the decision standing."""
    return misfits == 0 or (cells.storage == "number" and misfits <= _TOLERANCE * present)


def _candidates(frame: pl.DataFrame) -> list[Cells]:
    """What the column may be, the strictest first. Codes such as 00123 and very long digits are no numbers."""
    text = frame.select(Cells("number").present("cell").drop_nulls())["cell"]
    candidates = [Cells("boolean")]
    if not text.str.contains(_CODE).any():
        candidates += [Cells("integer"), Cells("number")]
        if text.str.contains(r"^-?\d*,\d+$").any() and not text.str.contains(r"^-?\d{1,3}(,\d{3})+$").all():
            candidates.append(Cells("number", decimal=","))
        if _mostly(text, r"^-?[$€£¥]?\s?-?[\d.,\s']+\s?[$€£¥%]?$"):
            candidates += _decorated(text)
    if _mostly(text, r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}"):
        candidates += [Cells("date", date_format=date_format) for date_format in _DATE_FORMATS]
    return candidates


def _decorated(text: pl.Series) -> list[Cells]:
    if text.str.contains(r",\d{3}(\D|$)").any() and not text.str.contains(r",\d{1,2}(\D|$)").any():
        return [Cells("integer", decorated=True), Cells("number", decorated=True)]
    return [
        Cells("integer", decorated=True),
        Cells("number", decimal=",", decorated=True)
        if text.str.contains(r",\d").any()
        else Cells("number", decorated=True),
    ]


def _mostly(text: pl.Series, pattern: str) -> bool:
    return int(text.str.contains(pattern).sum()) > 0.9 * len(text)


def _stripped(name: str) -> pl.Expr:
    return pl.col(name).str.strip_chars()
