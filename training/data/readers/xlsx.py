"""Excel workbooks: one sheet of them. Formulas give the values they had, macros are not looked at."""

import zipfile
from collections.abc import Iterator
from pathlib import Path

import fastexcel
import polars as pl

from training.data.archives import MAX_RATIO, RATIO_FROM
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
        name, sheet, filled = _choose_sheet(source)
        rows = [[cell or "" for cell in row] for row in sheet.head(_LOOK).iter_rows()]
        has_header = looks_like_header(rows[0], rows[1:])
        names = clean_names(rows[0] if has_header else [""] * sheet.width)
        body = sheet.slice(1 if has_header else 0)
        body.columns = names

        def batches(aside: SetAside) -> Iterator[Batch]:
            for start in range(0, len(body), _ROWS):
                yield Batch(body.slice(start, _ROWS), min((start + _ROWS) / len(body), 1.0))

        title = f"Excel, sheet “{name}”" + (f" of {len(filled)}" if len(filled) > 1 else "")
        if _has_macros(source.path):
            title += ", without its macros"
        return Reading(title, "table", names, batches, sheets=filled, sheet=name)


def _choose_sheet(source: Source) -> tuple[str, pl.DataFrame, tuple[str, ...]]:
    """The sheet asked for, else the first with rows, as strings; and the names of all that have rows."""
    try:
        book = fastexcel.read_excel(str(source.path))
        filled = tuple(name for name in book.sheet_names if book.load_sheet(name, header_row=None, n_rows=1).height)
        for name in [source.sheet] if source.sheet in filled else filled:
            sheet = _without_gaps(book.load_sheet(name, header_row=None, dtypes="string").to_polars())
            if len(sheet):
                return name, sheet, filled
    except fastexcel.FastExcelError as error:
        raise TrainingError(
            f"{source.name} cannot be read as an Excel workbook: it is damaged or incomplete.",
            "Open it in Excel and save it again, or save the sheet as CSV and upload that.",
        ) from error
    raise TrainingError(f"{source.name} has no sheet with rows.", "Add rows and upload it again.", code="no_rows")


def _has_macros(path: Path) -> bool:
    with zipfile.ZipFile(path) as archive:
        return any(name.endswith("vbaProject.bin") for name in archive.NameToInfo)


def _without_gaps(sheet: pl.DataFrame) -> pl.DataFrame:
    """The sheet without empty rows and columns."""
    filled = [column.name for column in sheet if column.null_count() < len(sheet)]
    return sheet.select(filled).filter(pl.any_horizontal(pl.all().is_not_null()))


def _refuse_bomb(source: Source) -> None:
    try:
        with zipfile.ZipFile(source.path) as archive:
            unpacked = sum(entry.file_size for entry in archive.infolist())
    except zipfile.BadZipFile as error:
        raise TrainingError(f"{source.name} is cut off or damaged.", "Save it anew and upload it again.") from error
    grown = unpacked > RATIO_FROM and unpacked > MAX_RATIO * source.path.stat().st_size
    if grown or unpacked > MAX_UNPACKED:
        raise TrainingError(
            f"{source.name} unpacks to {unpacked >> 20} MB, more than a workbook may.",
            "Save the sheet as CSV.",
            code="bomb",
        )
