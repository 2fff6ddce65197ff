"""From the files that somebody brought to one folder: `data.parquet`, `dataset.json`, `set_aside.parquet`."""

import errno
import shutil
import tempfile
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import polars as pl
import pyarrow as pa

from training.data.cells import Cells, decide, read_cells, tolerable
from training.data.describing import describe
from training.data.layout import DATA, DESCRIPTION
from training.data.readers import READERS, Batch, Reading, SetAside
from training.data.refusals import refuse_known, unknown_format
from training.data.schema import PART, Description
from training.data.shapes import shape
from training.data.source import Source, look_at
from training.data.writing import DataWriter, plain, write_aside
from training.errors import TrainingError

MAX_COLUMNS = 5000
_MISFITS_KEPT = 50
_SAMPLE_ROWS = 20_000


@dataclass(frozen=True)
class ImportPhase:
    """A named stretch of the import, in the words of the page."""

    name: str
    title: str
    done: float | None = None
    """Share done, 0 to 1, where it is known."""


@dataclass
class Misfits:
    """The cells of one column that are no value of its kind, some of them with their rows."""

    count: int = 0
    present: int = 0
    rows: list[int] = field(default_factory=list)
    cells: list[str] = field(default_factory=list)


Opened: TypeAlias = list[tuple[Source, Reading]]


def import_dataset(
    sources: Sequence[Path], folder: Path, *, names: Sequence[str] | None = None, sheet: str = ""
) -> Iterator[ImportPhase]:
    """Read files of any accepted format into `folder`, telling the phases; it appears complete or not at all.

    Several files become one data set when their columns match; words such as "train" and "test" in their names decide
    the part of their rows. names: what people call the files, where the paths are others. sheet: the sheet of a
    workbook, where not the first is meant. Memory stays bounded however large the files are. Raises TrainingError that
    names the file, the line and what to do.
    """
    yield ImportPhase("checking", "Checking the file")
    called = list(names) if names is not None else [path.name for path in sources]
    with workplace(folder) as (work, result):
        opened = [open_file(look_at(path, name, sheet), work) for path, name in zip(sources, called, strict=True)]
        _refuse_mismatch(opened)
        aside, misfits = SetAside(), dict[str, Misfits]()
        yield from _write_data(opened, result, aside, misfits)
        write_aside(result, aside)
        yield ImportPhase("profiling", "Looking at the columns")
        description = describe(
            result,
            kind=opened[0][1].kind,
            formats=[reading.format for _, reading in opened],
            sources=called,
            sheets=opened[0][1].sheets,
            sheet=opened[0][1].sheet,
            aside=aside,
            misfits={name: (found.count, found.rows) for name, found in misfits.items() if found.count},
        )
        yield ImportPhase("writing", "Writing it down")
        (result / DESCRIPTION).write_text(description.model_dump_json(indent=1))
        result.rename(folder)


def read_description(folder: Path) -> Description:
    """What is known of the data set version in the folder."""
    return Description.model_validate_json((folder / DESCRIPTION).read_bytes())


@contextmanager
def workplace(folder: Path) -> Iterator[tuple[Path, Path]]:
    """A folder for what is unpacked and one for the result, on the disk of `folder`; both are gone in the end."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists() and (folder.is_file() or any(folder.iterdir())):
        raise TrainingError(f"There is something in {folder} already.", "Choose a new folder.", code="folder_exists")
    place = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    work, result = place / "work", place / "result"
    work.mkdir()
    result.mkdir()
    try:
        yield work, result
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise TrainingError("The disk is full.", "Free some space and import the file again.", code="full") from error
    finally:
        shutil.rmtree(place, ignore_errors=True)


def open_file(source: Source, work: Path) -> tuple[Source, Reading]:
    """Understand the file by the reader that recognises it; `work` is a folder for what has to be unpacked."""
    refuse_known(source)
    for reader in READERS.values():
        if reader.recognises(source):
            place = Path(tempfile.mkdtemp(dir=work))
            reading = shape(reader.open(source, place), source.name)
            _refuse_width(source, len(reading.columns))
            return source, reading
    raise unknown_format(source)


def _refuse_width(source: Source, columns: int) -> None:
    if columns > MAX_COLUMNS:
        raise TrainingError(
            f"{source.name} has {columns:,} columns; at most {MAX_COLUMNS:,} can be read.",
            "Leave out columns that are not needed, and check the delimiter.",
            code="too_many_columns",
        )


def _refuse_mismatch(opened: Opened) -> None:
    first_source, first = opened[0]
    for source, reading in opened[1:]:
        missing = [name for name in first.columns if name not in reading.columns]
        extra = [name for name in reading.columns if name not in first.columns]
        if missing or extra or reading.kind != first.kind:
            parts = [f"it lacks {_listed(missing)}"] if missing else []
            parts += [f"it has {_listed(extra)} besides"] if extra else []
            raise TrainingError(
                f"{source.name} does not go together with {first_source.name}: "
                f"{' and '.join(parts) or 'it is of another kind'}.",
                "Upload files with the same columns together, and others one by one.",
                code="mismatch",
            )


def _listed(names: list[str]) -> str:
    shown = ", ".join(f"“{name}”" for name in names[:5])
    return shown + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _write_data(opened: Opened, folder: Path, aside: SetAside, misfits: dict[str, Misfits]) -> Iterator[ImportPhase]:
    """Write `data.parquet`; once more from the start where later rows show that a column is not what it seemed."""
    sample = _first_rows(opened)
    verbatim = opened[0][1].verbatim
    cells = {name: Cells("typed") if name in verbatim else decide(sample[name]) for name in sample.columns}
    for attempt in range(4):
        aside.rows, aside.count = [], 0
        misfits.clear()
        rows = yield from _write_pass(opened, folder / DATA, cells, aside, misfits)
        wrong = [name for name, found in misfits.items() if not tolerable(cells[name], found.count, found.present)]
        if not wrong:
            break
        for name in wrong:
            cells[name] = _decide_again(sample[name], misfits[name]) if attempt < 2 else Cells("text")
    if rows == 0:
        raise _nothing_to_read(opened, aside)
    if not any(found.present for found in misfits.values()):
        raise TrainingError(
            f"Every cell of {opened[0][0].name} is empty.", "Fill in its rows and upload it again.", code="no_rows"
        )


def _first_rows(opened: Opened) -> pl.DataFrame:
    """The first rows of every file; columns that have different types become strings."""
    columns = opened[0][1].columns
    heads = []
    for _, reading in opened:
        first = next(reading.batches(SetAside()), None)
        heads.append(first.frame.select(columns) if first else pl.DataFrame(schema=dict.fromkeys(columns, pl.String)))
    schemas = [head.schema for head in heads if len(head)]
    mixed = [name for name in columns if len({schema[name] for schema in schemas}) > 1]
    filled = [head for head in heads if len(head)] or heads[:1]
    return pl.concat([head.head(_SAMPLE_ROWS).with_columns(pl.col(mixed).cast(pl.String)) for head in filled])


def _decide_again(sample: pl.Series, misfits: Misfits) -> Cells:
    """A kind that holds for the first rows and for those that did not fit."""
    return decide(pl.concat([sample.drop_nulls().head(_MISFITS_KEPT), pl.Series(sample.name, misfits.cells)]))


def _write_pass(
    opened: Opened, path: Path, cells: dict[str, Cells], aside: SetAside, misfits: dict[str, Misfits]
) -> Generator[ImportPhase, None, int]:
    """One way through all files; returns the number of rows."""
    sizes = [source.path.stat().st_size for source, _ in opened]
    several = len(opened) > 1
    with DataWriter(path) as writer:
        for number, (source, reading) in enumerate(opened):
            for batch in reading.batches(aside):
                table = _convert(batch.frame, cells, misfits, writer.rows)
                writer.write(table, _parts(batch, source.part if several else None))
                done = (sum(sizes[:number]) + sizes[number] * batch.done) / max(sum(sizes), 1)
                yield ImportPhase("reading", "Reading the rows", done)
    return writer.rows


def _convert(frame: pl.DataFrame, cells: dict[str, Cells], misfits: dict[str, Misfits], start: int) -> pa.Table:
    """The frame's values as they are stored; start: number of its first row."""
    columns = []
    for name, kind in cells.items():
        values, flags = read_cells(frame[name], kind)
        columns.append(values)
        misfits.setdefault(name, Misfits()).present += len(values) - values.null_count()
        if flags is not None:
            _note_misfits(frame[name], flags, misfits[name], start)
    return plain(pl.DataFrame(columns).to_arrow(compat_level=pl.CompatLevel.oldest()))


def _note_misfits(column: pl.Series, flags: pl.Series, found: Misfits, start: int) -> None:
    rows = flags.arg_true()
    kept = rows.head(_MISFITS_KEPT - len(found.rows))
    found.count += len(rows)
    found.present += len(rows)
    found.rows += [start + row for row in kept]
    found.cells += column.gather(kept).cast(pl.String).to_list()


def _parts(batch: Batch, named: str | None) -> pa.Array:
    """What the file's name says, else what the file says itself."""
    if named is None and PART in batch.frame.columns:
        return batch.frame[PART].cast(pl.String).to_arrow(compat_level=pl.CompatLevel.oldest()).cast(pa.string())
    return pa.repeat(pa.scalar(named, pa.string()), len(batch.frame))


def _nothing_to_read(opened: Opened, aside: SetAside) -> TrainingError:
    name = opened[0][0].name
    if aside.rows:
        first = aside.rows[0]
        return TrainingError(
            f"No row of {name} can be read. Line {first.line}: {first.reason}.", "Correct the file.", code="unreadable"
        )
    return TrainingError(f"{name} has column names but no rows.", "Add rows and upload it again.", code="no_rows")
