"""CSV, TSV and relatives."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import cast

import polars as pl
import pyarrow as pa
import pyarrow.csv

from training.data.dialect import Dialect, cut_rows, detect_dialect, find_delimiter
from training.data.readers import READERS, Batch, Lines, Reader, Reading, SetAside, clean_names
from training.data.source import Source
from training.data.text_files import chunks, looks_binary, open_text
from training.errors import TrainingError

BLOCK = 4 << 20
"""Bytes parsed at a time, unless a row is longer."""
LONGEST_ROW = 64 << 20
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
    size, read, line = max(path.stat().st_size, 1), 0, 1
    for piece in whole_rows(path, source, quoted=dialect.quoted):
        header = dialect.header is not None and read == 0
        bad: list[pa.csv.InvalidRow] = []
        table = _parse(piece, dialect, names, bad, source, header=header)
        for row, place in zip(bad, line_numbers(piece, dialect, line, [row.number for row in bad]), strict=True):
            few = "few" if row.actual_columns < row.expected_columns else "many"
            reason = f"too {few} cells: {row.actual_columns} instead of {row.expected_columns}"
            aside.add(source, place, reason, row.text)
        read += len(piece)
        if len(table):
            lines = _lines(piece, dialect, line, header + len(bad) + len(table), {row.number for row in bad}, header)
            yield Batch(cast(pl.DataFrame, pl.from_arrow(table)), min(read / size, 1.0), lines)
        line += piece.count(b"\n") or piece.count(b"\r")


def _lines(piece: bytes, dialect: Dialect, first: int, records: int, bad: set[int], header: bool) -> Lines:
    """Where the rows that were read stand: those of the piece but for its header and the bad ones."""

    def lines(rows: Sequence[int]) -> list[int]:
        good = [record for record in range(1 + header, records + 1) if record not in bad]
        return line_numbers(piece, dialect, first, [good[row] for row in rows])

    return lines


def whole_rows(path: Path, source: str, *, quoted: bool) -> Iterator[bytes]:
    """The file in blocks that end where a row ends; raises TrainingError where a row is too long to be one.

    Arrow's own stream reads 32 blocks ahead, which takes ten times the memory.
    """
    rest = b""
    for block in chunks(path, size=BLOCK):
        piece = rest + block
        end = _end_of_rows(piece, quoted=quoted)
        if end == 0 and len(piece) > LONGEST_ROW:
            raise _long_row(source)
        if end:
            yield piece[:end]
        rest = piece[end:]
    if rest:
        yield rest


def _end_of_rows(piece: bytes, *, quoted: bool) -> int:
    """The place after the last line break that is not inside quotes; 0 where there is none."""
    line_break = b"\n" if b"\n" in piece else b"\r"
    end = len(piece)
    inside = quoted and piece.count(b'"') % 2 == 1
    while True:
        quote = piece.rfind(b'"', 0, end) if quoted else -1
        place = -1 if inside else piece.rfind(line_break, quote + 1, end)
        if place >= 0 or quote < 0:
            return place + 1
        end, inside = quote, not inside


def _parse(
    piece: bytes, dialect: Dialect, names: list[str], bad: list[pa.csv.InvalidRow], source: str, *, header: bool
) -> pa.Table:
    """The cells of some rows as strings, and in `bad` those with too few or too many; header: whether one is first."""

    def keep_aside(row: pa.csv.InvalidRow) -> str:
        bad.append(row)
        return "skip"

    strings = pa.schema([(name, pa.string()) for name in names])
    try:
        return pa.csv.read_csv(
            pa.BufferReader(piece),
            read_options=pa.csv.ReadOptions(
                use_threads=False, block_size=len(piece) + 1, column_names=names, skip_rows=1 if header else 0
            ),
            parse_options=pa.csv.ParseOptions(
                delimiter=dialect.delimiter,
                quote_char='"' if dialect.quoted else False,
                newlines_in_values=dialect.quoted,
                invalid_row_handler=keep_aside,
            ),
            convert_options=pa.csv.ConvertOptions(column_types=strings, strings_can_be_null=False),
        )
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error) or "Could not skip" in str(error):
            return strings.empty_table()
        raise TrainingError(
            f"{source} cannot be read as a table: {error}.", "Save it as CSV UTF-8 and upload it again."
        ) from error


def _long_row(source: str) -> TrainingError:
    return TrainingError(
        f"{source} has a row of more than {LONGEST_ROW >> 20} MB.",
        "Look for a quotation mark that is never closed, and upload the file again.",
        code="long_row",
    )


def line_numbers(piece: bytes, dialect: Dialect, first: int, records: list[int]) -> list[int]:
    """The line in which each record starts; records are counted from 1, empty lines are none; first: the piece's."""
    if not records:
        return []
    wanted, found = set(records), {}
    reader = cut_rows(
        io.StringIO(piece.decode("utf-8", "replace"), newline=""), dialect.delimiter, quoted=dialect.quoted
    )
    record, line = 0, first
    for row in reader:
        if row:
            record += 1
            if record in wanted:
                found[record] = line
            if record >= max(wanted):
                break
        line = first + reader.line_num
    return [found.get(record, first + record - 1) for record in records]
