"""Pictures, sounds and texts of an archive, with what folders, tables or annotations say of each file."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import polars as pl

from training.data import pictures, sounds
from training.data.archives import Member, read_members
from training.data.folders import places
from training.data.readers import Batch, Reading, SetAside
from training.data.schema import PART, DataKind
from training.data.source import Source
from training.data.text_files import decode

MAX_FILE = 200 << 20
_BATCH_FILES = 512
_BATCH_BYTES = 16 << 20

Cells: TypeAlias = tuple[pl.Series, Sequence[str]]
"""Cells of a column, and for each the reason why it cannot be read, or ""."""
ReadCells: TypeAlias = Callable[[list[bytes], list[str]], Cells]


@dataclass(frozen=True)
class Medium:
    """A kind of file of which each is an example."""

    column: str
    kind: DataKind
    noun: str
    suffixes: tuple[str, ...]
    read: ReadCells


def _read_pictures(data: list[bytes], paths: list[str]) -> Cells:
    cells = [{"bytes": content, "path": path} for content, path in zip(data, paths, strict=True)]
    return pl.Series("image", cells, dtype=pictures.PICTURE), pictures.picture_problems(data)


def _read_sounds(data: list[bytes], paths: list[str]) -> Cells:
    found = [sounds.sound_length(content) for content in data]
    cells = [
        {"bytes": content, "path": path, "seconds": seconds}
        for content, path, (seconds, _) in zip(data, paths, found, strict=True)
    ]
    return pl.Series("audio", cells, dtype=sounds.SOUND), [problem for _, problem in found]


def _read_texts(data: list[bytes], paths: list[str]) -> Cells:
    texts = [decode(content).replace("\0", "") or None for content in data]
    return pl.Series("text", texts, dtype=pl.String), [""] * len(texts)


MEDIA = (
    Medium("image", "images", "pictures", pictures.SUFFIXES, _read_pictures),
    Medium("audio", "audio", "sounds", sounds.SUFFIXES, _read_sounds),
    Medium("text", "text", "texts", (".txt", ".md", ".text"), _read_texts),
)


def keep_readable(frame: pl.DataFrame, source: str, start: int, aside: SetAside) -> pl.DataFrame:
    """The rows whose pictures and sounds can be read; the others are set aside. start: number of the first row."""
    readers: dict[pl.DataType, ReadCells] = {pictures.PICTURE: _read_pictures, sounds.SOUND: _read_sounds}
    for name in [name for name, kind in frame.schema.items() if kind in readers]:
        there = frame[name].struct.field("bytes").is_not_null()
        present = there.arg_true()
        cells = frame[name].gather(present)
        data, paths = (cells.struct.field(leaf).to_list() for leaf in ("bytes", "path"))
        read, problems = readers[frame.schema[name]](data, paths)
        places = pl.select(pl.when(there).then(there.cast(pl.Int64).cum_sum() - 1)).to_series()
        frame = frame.with_columns(read.gather(places).alias(name))
        bad = [(row, problem) for row, problem in zip(present, problems, strict=True) if problem]
        for row, problem in bad:
            aside.add(source, start + row + 1, problem, paths[row] or "")
        frame = frame.filter(~pl.int_range(pl.len()).is_in([row for row, _ in bad]))
    return frame


@dataclass(frozen=True)
class Notes:
    """What is known of the files besides their content."""

    frame: pl.DataFrame
    """A row per file: the user's columns, and `_part`."""
    rows: dict[str, int]
    """The row of each file, by the file's key in the archive."""
    words: str
    """Where it is from: "in 10 class folders"."""
    verbatim: frozenset[str] = frozenset()
    unmatched: SetAside = field(default_factory=SetAside)
    """Notes about files that are not there."""


def folder_notes(members: Sequence[Member]) -> Notes:
    """The class and the part that folders name; no class where they name none."""
    placed = places([member.path for member in members])
    frame = pl.DataFrame(placed, schema={PART: pl.String, "label": pl.String}, orient="row").select("label", PART)
    named = frame["label"].drop_nulls().n_unique()
    if not named:
        frame = frame.drop("label")
    words = f"in {named} class folders" if named else "without class folders"
    return Notes(frame, {member.key: row for row, member in enumerate(members)}, words, frozenset(["label"]))


def open_media(source: Source, packed: str, medium: Medium, members: list[Member], notes: Notes) -> Reading:
    """One row per file, with its notes; files that cannot be read or of which nothing is known are set aside."""
    columns = [medium.column, *(name for name in notes.frame.columns if name != PART)]
    verbatim = notes.verbatim | ({"text"} if medium.column == "text" else set())

    numbers = {member.key: number for number, member in enumerate(members, start=1)}

    def batches(aside: SetAside) -> Iterator[Batch]:
        for row in notes.unmatched.rows:
            aside.add(row.source, row.line, row.reason, row.content)
        for chunk, done in _chunks(source, members, notes, aside):
            cells, problems = medium.read([data for _, data in chunk], [str(member.path) for member, _ in chunk])
            for (member, _), problem in zip(chunk, problems, strict=True):
                if problem:
                    aside.add(source.name, numbers[member.key], problem, str(member.path))
            frame = notes.frame[[notes.rows[member.key] for member, _ in chunk]].insert_column(0, cells)
            yield Batch(frame.filter(pl.Series(problems, dtype=pl.String) == ""), done)

    return Reading(f"{packed}, {medium.noun} {notes.words}", medium.kind, columns, batches, verbatim)


def _chunks(
    source: Source, members: list[Member], notes: Notes, aside: SetAside
) -> Iterator[tuple[list[tuple[Member, bytes]], float]]:
    """Files with their bytes, some at a time; damaged, too large and unknown ones are set aside."""
    total = max(sum(member.size for member in members), 1)
    chunk: list[tuple[Member, bytes]] = []
    waiting = read = 0
    for number, (member, data) in enumerate(read_members(source, members), start=1):
        read += member.size
        if reason := _refusal(member, data, notes):
            aside.add(source.name, number, reason, str(member.path))
            continue
        chunk.append((member, data or b""))
        waiting += len(data or b"")
        if len(chunk) >= _BATCH_FILES or waiting >= _BATCH_BYTES:
            yield chunk, read / total
            chunk, waiting = [], 0
    if chunk:
        yield chunk, 1.0


def _refusal(member: Member, data: bytes | None, notes: Notes) -> str:
    if data is None:
        return "damaged in the archive"
    if member.size > MAX_FILE:
        return f"larger than {MAX_FILE >> 20} MB"
    return "" if member.key in notes.rows else "not named in the table"
