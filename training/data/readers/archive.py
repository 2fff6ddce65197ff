"""ZIP and tar archives: pictures, sounds or texts in folders or named by a table; tables; aligned texts."""

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

import polars as pl

from training.data.archives import Member, is_archive, is_zip, list_members, read_members
from training.data.boxes import box_notes
from training.data.media import MEDIA, Medium, Notes, folder_notes, open_media
from training.data.naming import table_notes
from training.data.parallel import are_lines, find_pairs, open_pairs
from training.data.readers import READERS, Batch, Reader, Reading, SetAside
from training.data.refusals import refuse_known
from training.data.schema import PART
from training.data.shapes import shape
from training.data.source import Source, look_at
from training.errors import TrainingError

_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".arrow", ".feather", ".conll", ".gz")
_FORM = "Put the files into one folder per class and pack these folders as ZIP."
_MOST_NOTES = 64 << 20
"""Bytes of a table that names files; it is held in memory."""


@READERS.register("archive")
class Archive(Reader):
    """What most of the files are decides what the archive is."""

    order = 40

    @classmethod
    def recognises(cls, source: Source) -> bool:
        return is_archive(source.head)

    @classmethod
    def open(cls, source: Source, work: Path) -> Reading:
        members = list_members(source)
        packed = "ZIP" if is_zip(source.head) else "tar"
        pairs = None if _has_known(members) else find_pairs(members)
        if pairs and are_lines(source, pairs):
            return open_pairs(source, packed, pairs, work)
        tables = [member for member in members if member.suffix in _TABLES]
        medium = _medium(members, len(tables))
        if medium is not None:
            return _open_media(source, packed, medium, members, work)
        if tables:
            return _open_tables(source, packed, tables, work)
        raise TrainingError(f"{source.name} holds files that are not known here.", _FORM, code="unknown_format")


def _has_known(members: Sequence[Member]) -> bool:
    """Whether any file is of a kind that is something else than lines of text."""
    known = {suffix for medium in MEDIA[:2] for suffix in medium.suffixes} | set(_TABLES)
    return any(member.suffix in known for member in members)


def _medium(members: list[Member], tables: int) -> Medium | None:
    """The kind of which there are most files, unless there are more tables."""
    counts = Counter(medium.column for member in members for medium in MEDIA if member.suffix in medium.suffixes)
    medium = max(MEDIA, key=lambda medium: counts[medium.column])
    return medium if counts[medium.column] >= max(tables, 1) else None


def _open_media(source: Source, packed: str, medium: Medium, members: list[Member], work: Path) -> Reading:
    chosen = [member for member in members if member.suffix in medium.suffixes]
    others = [member for member in members if member.suffix not in medium.suffixes]
    notes = _notes(source, medium, chosen, others, work)
    return open_media(source, packed, medium, chosen, notes or folder_notes(chosen))


def _notes(source: Source, medium: Medium, chosen: list[Member], others: list[Member], work: Path) -> Notes | None:
    """What annotations or tables say of the files; None where only the folders speak."""

    def read_table(member: Member) -> pl.DataFrame | None:
        return _read_table(source, member, work)

    if medium.column == "image" and (notes := box_notes(source, chosen, others, read_table)):
        return notes
    tables = [member for member in others if member.suffix in _TABLES]
    frames = [frame for frame in map(read_table, tables) if frame is not None]
    if not frames:
        return None
    if any(frame.columns != frames[0].columns for frame in frames):
        frames = frames[:1]
    names = ", ".join(member.path.name for member in tables[: len(frames)])
    return table_notes(pl.concat(frames), names, chosen)


def _read_table(source: Source, member: Member, work: Path) -> pl.DataFrame | None:
    """The rows of a table in the archive, with their parts; None where it is none or too large."""
    if member.size > _MOST_NOTES:
        return None
    _, data = next(read_members(source, [member]))
    try:
        table, reading = _open_table(source, member, data, work)
    except TrainingError:
        return None
    part = pl.lit(table.part, dtype=pl.String).alias(PART)
    frames = [batch.frame for batch in reading.batches(SetAside())]
    if not frames or reading.kind == "text":
        return None
    frame = pl.concat(frames)
    return frame if PART in frame.columns else frame.with_columns(part)


def _open_table(source: Source, member: Member, data: bytes | None, work: Path) -> tuple[Source, Reading]:
    place = work / f"{len(list(work.iterdir()))}"
    place.mkdir()
    path = place / f"table{member.suffix}"
    path.write_bytes(data or b"")
    table = look_at(path, member.path.name)
    refuse_known(table)
    reader = next((reader for reader in READERS.values() if reader.recognises(table)), None)
    if reader is None or reader is Archive:
        raise TrainingError(f"{member.path} in {source.name} cannot be read.", "Upload it alone.")
    return table, shape(reader.open(table, place), table.name)


def _open_tables(source: Source, packed: str, members: list[Member], work: Path) -> Reading:
    """Tables with the same columns as one; the names of the files tell the parts."""
    opened = [_open_table(source, member, data, work) for member, data in read_members(source, members)]
    first = opened[0][1]
    others = [table.name for table, reading in opened if sorted(reading.columns) != sorted(first.columns)]
    if others:
        raise TrainingError(
            f"{source.name} holds tables with different columns: {opened[0][0].name} and {others[0]}.",
            "Upload the one to learn from alone.",
            code="mismatch",
        )

    def batches(aside: SetAside) -> Iterator[Batch]:
        for number, (table, reading) in enumerate(opened):
            for batch in reading.batches(aside):
                part = pl.lit(table.part if len(opened) > 1 else None, dtype=pl.String)
                frame = batch.frame if PART in batch.frame.columns else batch.frame.with_columns(part.alias(PART))
                yield Batch(frame, (number + batch.done) / len(opened))

    return Reading(f"{packed}, {first.format}", first.kind, first.columns, batches, first.verbatim)
