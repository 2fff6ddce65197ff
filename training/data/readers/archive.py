"""ZIP and tar archives of pictures or texts in class folders, or of tables."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import polars as pl

from training.data.archives import Member, is_archive, is_zip, list_members, read_members
from training.data.folders import Place, places
from training.data.pictures import PICTURE, SUFFIXES, keep_readable
from training.data.readers import READERS, Batch, Reader, Reading, SetAside
from training.data.schema import PART
from training.data.source import Source, look_at
from training.data.text_files import decode
from training.errors import TrainingError

MAX_PICTURE = 200 << 20
_BATCH_FILES = 512
_BATCH_BYTES = 16 << 20
_TEXTS = (".txt", ".md", ".text")
_TABLES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".parquet", ".xlsx", ".arrow", ".feather")
_SOUNDS = (".wav", ".mp3", ".flac", ".ogg", ".m4a", ".opus")
_KINDS = {
    **dict.fromkeys(SUFFIXES, "pictures"),
    **dict.fromkeys(_TEXTS, "texts"),
    **dict.fromkeys(_TABLES, "tables"),
    **dict.fromkeys(_SOUNDS, "sounds"),
}
_FORM = "Put the files into one folder per class and pack these folders as ZIP."


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
        counts = Counter(_KINDS.get(member.suffix, "others") for member in members)
        kind = counts.most_common(1)[0][0]
        chosen = [member for member in members if _KINDS.get(member.suffix) == kind]
        packed = "ZIP" if is_zip(source.head) else "tar"
        if kind == "pictures":
            return _open_pictures(source, packed, chosen, has_table=counts["tables"] > 0)
        if kind == "texts":
            return _open_texts(source, packed, chosen)
        if kind == "tables":
            return _open_tables(source, packed, chosen, work)
        if kind == "sounds":
            raise TrainingError(
                f"{source.name} holds sounds, which cannot be learnt from yet.",
                "Upload a table, texts or pictures.",
                code="sounds",
            )
        raise TrainingError(f"{source.name} holds files that are not known here.", _FORM, code="unknown_format")


def _open_pictures(source: Source, packed: str, members: list[Member], *, has_table: bool) -> Reading:
    placed = places([member.path for member in members])
    classes = {label for _, label in placed}
    if has_table and len(classes) < 2:
        raise TrainingError(
            f"{source.name} holds pictures and a table that names them, which cannot be put together yet.",
            _FORM,
            code="table_of_pictures",
        )

    def batches(aside: SetAside) -> Iterator[Batch]:
        row = 0
        for chunk, done in _chunks(source, members, placed, aside):
            cells = [{"bytes": data, "path": str(member.path)} for member, _, data in chunk]
            frame = _labelled(pl.Series("image", cells, dtype=PICTURE), [place for _, place, _ in chunk])
            yield Batch(keep_readable(frame, source.name, row, aside), done)
            row += len(chunk)

    return Reading(
        f"{packed}, pictures in {_count(classes)}", "images", ["image", "label"], batches, frozenset(["label"])
    )


def _open_texts(source: Source, packed: str, members: list[Member]) -> Reading:
    placed = places([member.path for member in members])
    classes = {label for _, label in placed}

    def batches(aside: SetAside) -> Iterator[Batch]:
        for chunk, done in _chunks(source, members, placed, aside):
            texts = pl.Series("text", [decode(data).replace("\0", "") or None for _, _, data in chunk], dtype=pl.String)
            yield Batch(_labelled(texts, [place for _, place, _ in chunk]), done)

    columns = frozenset(["text", "label"])
    return Reading(f"{packed}, texts in {_count(classes)}", "text", ["text", "label"], batches, columns)


def _open_tables(source: Source, packed: str, members: list[Member], work: Path) -> Reading:
    """Tables with the same columns as one; the names of the files tell the parts."""
    opened: list[tuple[Source, Reading]] = []
    for number, (member, data) in enumerate(read_members(source, members)):
        path = work / f"{number}{member.suffix}"
        path.write_bytes(data or b"")
        table = look_at(path, member.path.name)
        reader = next((reader for reader in READERS.values() if reader.recognises(table)), None)
        if reader is None or reader is Archive:
            raise TrainingError(f"{member.path} in {source.name} cannot be read.", "Upload it alone.")
        place = work / f"{number}"
        place.mkdir()
        opened.append((table, reader.open(table, place)))
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


def _chunks(
    source: Source, members: list[Member], placed: list[Place], aside: SetAside
) -> Iterator[tuple[list[tuple[Member, Place, bytes]], float]]:
    """Files with their places and bytes, some at a time; damaged ones are set aside."""
    found = dict(zip((member.key for member in members), placed, strict=True))
    total = max(sum(member.size for member in members), 1)
    chunk: list[tuple[Member, Place, bytes]] = []
    waiting = read = 0
    for number, (member, data) in enumerate(read_members(source, members), start=1):
        read += member.size
        if data is None or member.size > MAX_PICTURE:
            aside.add(source.name, number, "damaged in the archive" if data is None else "too large", str(member.path))
            continue
        chunk.append((member, found[member.key], data))
        waiting += len(data)
        if len(chunk) >= _BATCH_FILES or waiting >= _BATCH_BYTES:
            yield chunk, read / total
            chunk, waiting = [], 0
    if chunk:
        yield chunk, 1.0


def _labelled(values: pl.Series, placed: list[Place]) -> pl.DataFrame:
    """The files with the class and the part that their folders name."""
    return pl.DataFrame(
        [
            values,
            pl.Series("label", [label for _, label in placed], dtype=pl.String),
            pl.Series(PART, [part for part, _ in placed], dtype=pl.String),
        ]
    )


def _count(classes: set[str | None]) -> str:
    named = len(classes - {None})
    return f"{named} class folders" if named != 1 else "one folder"
