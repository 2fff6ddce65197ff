"""Excel workbooks: the first sheet with rows. Formulas give the values they had, macros are not looked at."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import fastexcel
import polars as pl

from training.data.dialect import looks_like_header
from training.data.readers import READERS, Batch, Reader, Reading, SetAside, clean_names
from training.data.source import Source
from training.errors import TrainingError

MAX_UNPACKED = 1 << 30
_ROWS = 16_384
_LOOK = 500


@READERS.register("xlsx")
class Xlsx(Reader):
    """A workbook is held in memory, as the format demands."""

    order = 30

    @classmethod
    def recognises(cls, source: Source) -> bool:
        if not source.head.startswith(b"PK\x03\x04"):
            return False
        try:
            with zipfile.ZipFile(source.path) as archive:
                return "xl/workbook.xml" in archive.NameToInfo
        except zipfile.BadZipFile:
            return b"xl/workbook.xml" in source.head

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        _refuse_bomb(source)
        title, sheet = _first_filled(source)
        rows = [[cell or "" for cell in row] for row in sheet.head(_LOOK).iter_rows()]
        has_header = looks_like_header(rows[0], rows[1:])
        names = clean_names(rows[0] if has_header else [""] * sheet.width)
        body = sheet.slice(1 if has_header else 0)
        body.columns = names

        def batches(aside: SetAside) -> Iterator[Batch]:
            for start in range(0, len(body), _ROWS):
                yield Batch(body.slice(start, _ROWS), min((start + _ROWS) / len(body), 1.0))

        return Reading(f"Excel, {title}", "table", names, batches)


def _first_filled(source: Source) -> tuple[str, pl.DataFrame]:
    """The first sheet that has rows, as strings, without empty rows and columns; and its name in words."""
    try:
        book = fastexcel.read_excel(str(source.path))
        for name in book.sheet_names:
            sheet = book.load_sheet(name, header_row=None, dtypes="string").to_polars()
            filled = [column.name for column in sheet if column.null_count() < len(sheet)]
            sheet = sheet.select(filled).filter(pl.any_horizontal(pl.all().is_not_null()))
            if len(sheet):
                others = len(book.sheet_names) - 1
                return f"sheet “{name}”" + (f" of {others + 1}" if others else ""), sheet
    except fastexcel.FastExcelError as error:
        raise TrainingError(
            f"{source.name} cannot be read as an Excel workbook: {error}.", "Save the sheet as CSV and upload that."
        ) from error
    raise TrainingError(f"{source.name} has no sheet with rows.", "Add rows and upload it again.", code="no_rows")


def _refuse_bomb(source: Source) -> None:
    try:
        with zipfile.ZipFile(source.path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise TrainingError(f"{source.name} is cut off or damaged.", "Save it anew and upload it again.") from error
    if unpacked > MAX_UNPACKED:
        raise TrainingError(
            f"{source.name} unpacks to {unpacked >> 20} MB, more than a workbook may.",
            "Save the sheet as CSV.",
            code="bomb",
        )
