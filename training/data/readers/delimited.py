"""CSV, TSV and relatives."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.csv

from training.data.dialect import Dialect, cut_rows, detect_dialect, find_delimiter
from training.data.readers import READERS, Batch, Reader, Reading, SetAside, clean_names
from training.data.source import Source
from training.data.text_files import looks_binary, open_text
from training.errors import TrainingError

BLOCK = 4 << 20
"""Bytes parsed at a time; also the longest row that can be read."""
MAX_COLUMNS = 5000
_TABLE_SUFFIXES = (".csv", ".tsv", ".tab", ".psv")


@READERS.register("delimited")
class Delimited(Reader):
    """Rows of cells with a delimiter between them; quotes, header and encoding are found out."""

    order = 80

    @classmethod
    def recognises(cls, source: Source) -> bool:
        return bool(source.text) and not looks_binary(source.text) and _delimiter(source) is not None

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        file = open_text(source.path, work, name=source.name)
        delimiter = _delimiter(source) or ","
        dialect = detect_dialect(file.path, source.text, delimiter, complete=source.complete, name=source.name)
        if dialect.width > MAX_COLUMNS:
            raise TrainingError(
                f"{source.name} has {dialect.width:,} columns; at most {MAX_COLUMNS:,} can be read.",
                "Leave out columns that are not needed, and check the delimiter.",
                code="too_many_columns",
            )
        names = clean_names(dialect.header or [""] * dialect.width)
        title = "TSV" if delimiter == "\t" else "CSV"

        def batches(aside: SetAside) -> Iterator[Batch]:
            return read_delimited(file.path, dialect, names, source.name, aside)

        return Reading(f"{title}, {dialect.words}, {file.encoding}", "table", names, batches)


def _delimiter(source: Source) -> str | None:
    """The delimiter; a file that is called a table may have ragged rows or a single column, another may not."""
    if source.suffix in _TABLE_SUFFIXES:
        found = find_delimiter(source.text, complete=source.complete, least=0.5)
        return found or ("\t" if source.suffix in (".tsv", ".tab") else ",")
    if source.suffix in (".md", ".markdown"):
        return None
    return find_delimiter(source.text, complete=source.complete, least=0.98)


def read_delimited(path: Path, dialect: Dialect, names: list[str], source: str, aside: SetAside) -> Iterator[Batch]:
    """The rows as strings, in blocks; rows with too few or too many cells are set aside."""
    bad: list[tuple[int, str, str]] = []

    def keep_aside(row: pa.csv.InvalidRow) -> str:
        few = "few" if row.actual_columns < row.expected_columns else "many"
        bad.append((row.number, f"too {few} cells: {row.actual_columns} instead of {row.expected_columns}", row.text))
        return "skip"

    size = max(path.stat().st_size, 1)
    with pa.OSFile(str(path)) as file:
        reader = _open(file, dialect, names, keep_aside, source)
        while (batch := _next(reader, source)) is not None:
            frame = cast(pl.DataFrame, pl.from_arrow(pa.Table.from_batches([batch])))
            yield Batch(frame, min(file.tell() / size, 1.0))
    lines = line_numbers(path, dialect, [number for number, _, _ in bad])
    for (_, reason, content), line in zip(bad, lines, strict=True):
        aside.add(source, line, reason, content)


def _open(
    file: pa.NativeFile, dialect: Dialect, names: list[str], keep_aside: object, source: str
) -> pa.csv.CSVStreamingReader:
    try:
        return pa.csv.open_csv(
            file,
            read_options=pa.csv.ReadOptions(
                use_threads=False, block_size=BLOCK, column_names=names, skip_rows=0 if dialect.header is None else 1
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char='"' if dialect.quoted else False,
                newlines_in_values=dialect.quoted,
                invalid_row_handler=keep_aside,
            ),
            convert_options=pa.csv.ConvertOptions(
                column_types={name: pa.string() for name in names}, strings_can_be_null=False
            ),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return iter(())
        raise _unreadable(source, error) from error


def _next(reader: Iterator[pa.RecordBatch], source: str) -> pa.RecordBatch | None:
    try:
        return next(reader, None)
    except pa.ArrowInvalid as error:
        raise _unreadable(source, error) from error


def _unreadable(source: str, error: Exception) -> TrainingError:
    if "straddl" in str(error):
        return TrainingError(
            f"{source} has a row of more than {BLOCK >> 20} MB.",
            "Look for a quotation mark that is never closed, and upload the file again.",
            code="long_row",
        )
    return TrainingError(f"{source} cannot be read as a table: {error}.", "Save it as CSV UTF-8 and upload it again.")


def line_numbers(path: Path, dialect: Dialect, records: list[int]) -> list[int]:
    """The line in which each record starts; records are counted from 1, empty lines are none."""
    if not records:
        return []
    wanted, found = set(records), {}
    with path.open(encoding="utf-8", errors="replace", newline="") as file:
        reader = cut_rows(file, dialect.delimiter, quoted=dialect.quoted)
        record, line = 0, 1
        for row in reader:
            if row:
                record += 1
                if record in wanted:
                    found[record] = line
                if record >= max(records):
                    break
            line = reader.line_num + 1
    return [found.get(record, record) for record in records]
