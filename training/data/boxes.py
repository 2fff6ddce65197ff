"""Boxes around things in pictures: Pascal VOC files, COCO files, and tables with a row per box."""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath
from typing import TypeAlias

import orjson
import polars as pl

from training.data.archives import Member, read_members
from training.data.folders import places
from training.data.media import Notes
from training.data.naming import Lookup
from training.data.readers import SetAside
from training.data.schema import PART
from training.data.source import Source, named_part
from training.data.text_files import decode
from training.errors import TrainingError

Box: TypeAlias = dict[str, str | float]

BOXES = pl.List(
    pl.Struct({"label": pl.String, "x": pl.Float64, "y": pl.Float64, "width": pl.Float64, "height": pl.Float64})
)
MAX_XML = 1 << 20
MAX_COCO = 256 << 20
"""A COCO file is held in memory."""
_CORNERS = ("xmin", "ymin", "xmax", "ymax")
_NAMES = ("filename", "file_name", "file", "image", "image_id", "path")
_LABELS = ("class", "label", "category", "name")


@dataclass
class Annotations:
    """Boxes and parts by picture, as they are found."""

    lookup: Lookup
    source: str
    boxes: dict[str, list[Box]] = field(default_factory=dict)
    parts: dict[str, str] = field(default_factory=dict)
    unmatched: SetAside = field(default_factory=SetAside)
    broken: str = ""
    """An annotation that bears the name of a picture and cannot be read, and why; the last one."""

    def picture(self, name: str, line: int) -> str | None:
        """The key of the picture that is called so; noted where there is none."""
        key = self.lookup.find(name)
        if key is None:
            self.unmatched.add(self.source, line, "boxes of a picture that is not in the archive", name)
        return key

    def add(self, key: str, label: str, corners: Sequence[float], line: int) -> None:
        """Note one box by its corners: left, top, right, bottom, in pixels."""
        left, top, right, bottom = corners
        boxes = self.boxes.setdefault(key, [])
        if not (right > left and bottom > top):
            self.unmatched.add(self.source, line, "a box without area", f"{label} {list(corners)}")
            return
        boxes.append({"label": label, "x": left, "y": top, "width": right - left, "height": bottom - top})


def box_notes(
    source: Source,
    pictures: Sequence[Member],
    others: Sequence[Member],
    read_table: Callable[[Member], pl.DataFrame | None],
) -> Notes | None:
    """Boxes by picture; None where nothing in the archive says where anything is, TrainingError where nobody can tell.

    Pictures without an annotation have null, pictures in which nothing is marked an empty list.
    """
    found = Annotations(Lookup(pictures), source.name)
    words = []
    if xml := [member for member in others if member.suffix == ".xml"]:
        _read_voc(source, xml, found)
        words.append("Pascal VOC")
    if coco := [member for member in others if member.suffix == ".json"]:
        words += ["COCO"] * _read_coco(source, coco, found)
    tables = [member for member in others if member.suffix in (".csv", ".tsv")]
    words += ["a table"] * _read_tables(tables, read_table, found, keep=not words)
    if not found.boxes and found.broken:
        raise TrainingError(
            f"No annotation in {source.name} can be read: {found.broken}.",
            "Save them as plain Pascal VOC or COCO, or leave them out to learn from the pictures alone.",
            code="bad_xml",
        )
    if not found.boxes:
        return None
    _read_lists(source, others, found)
    return _notes(pictures, found, words[0])


def _notes(pictures: Sequence[Member], found: Annotations, words: str) -> Notes:
    by_folder = [part for part, _ in places([member.path for member in pictures])]
    frame = pl.DataFrame(
        {
            "boxes": [found.boxes.get(member.key) for member in pictures],
            PART: [found.parts.get(member.key, part) for member, part in zip(pictures, by_folder, strict=True)],
        },
        schema={"boxes": BOXES, PART: pl.String},
    )
    rows = {member.key: row for row, member in enumerate(pictures)}
    return Notes(frame, rows, f"with boxes ({words})", unmatched=found.unmatched)


def _read_voc(source: Source, members: list[Member], found: Annotations) -> None:
    for number, (member, data) in enumerate(read_members(source, members), start=1):
        try:
            root = _parse_xml(data or b"")
        except ValueError as error:
            found.unmatched.add(source.name, number, str(error), str(member.path))
            if found.lookup.find(member.path.stem) is not None:
                found.broken = f"{member.path} is {error}"
            continue
        named = root.findtext("filename") or ""
        key = found.lookup.find(named) or found.picture(member.path.stem, number)
        if key is None:
            continue
        found.boxes.setdefault(key, [])
        for thing in root.iter("object"):
            if (corners := _corners(thing)) is not None:
                found.add(key, (thing.findtext("name") or "").strip(), corners, number)
            else:
                found.unmatched.add(source.name, number, "a box without corners", str(member.path))


def _parse_xml(data: bytes) -> ET.Element:
    """The document; raises ValueError for what is none, or one that defines entities of its own."""
    if len(data) > MAX_XML or b"<!DOCTYPE" in data or b"<!ENTITY" in data:
        raise ValueError("an annotation that is too large or defines entities")
    try:
        return ET.fromstring(data)
    except ET.ParseError as error:
        raise ValueError(f"not valid XML: {error}") from error


def _corners(thing: ET.Element) -> list[float] | None:
    try:
        return [float(thing.findtext(f"bndbox/{corner}") or "") for corner in _CORNERS]
    except ValueError:
        return None


def _read_coco(source: Source, members: list[Member], found: Annotations) -> int:
    """Read the files that are COCO; returns how many are."""
    count = 0
    for member, data in read_members(source, members):
        if member.size > MAX_COCO:
            raise TrainingError(
                f"{member.path} in {source.name} has {member.size >> 20} MB; at most {MAX_COCO >> 20} MB can be read.",
                "Split the annotations into several files.",
                code="large_object",
            )
        content = _json_object(data or b"")
        if {"images", "annotations", "categories"} <= content.keys():
            _note_coco(content, named_part(member.path.name), found)
            count += 1
    return count


def _json_object(data: bytes) -> dict[str, list[dict[str, object]]]:
    try:
        content = orjson.loads(data)
    except orjson.JSONDecodeError:
        return {}
    if not isinstance(content, dict):
        return {}
    lists = {key: value for key, value in content.items() if isinstance(value, list)}
    return {key: [entry for entry in value if isinstance(entry, dict)] for key, value in lists.items()}


def _note_coco(content: dict[str, list[dict[str, object]]], part: str | None, found: Annotations) -> None:
    labels = {entry.get("id"): str(entry.get("name")) for entry in content["categories"]}
    keys: dict[object, str] = {}
    for number, image in enumerate(content["images"], start=1):
        key = found.picture(str(image.get("file_name", "")), number)
        if key is not None:
            keys[image.get("id")] = key
            found.boxes.setdefault(key, [])
            if part:
                found.parts[key] = part
    for number, thing in enumerate(content["annotations"], start=1):
        key = keys.get(thing.get("image_id"))
        box = thing.get("bbox")
        if key is None:
            continue
        if not isinstance(box, list) or len(box) != 4 or not all(isinstance(edge, int | float) for edge in box):
            found.unmatched.add(found.source, number, "a box without corners", str(box))
            continue
        x, y, width, height = map(float, box)
        found.add(key, labels.get(thing.get("category_id"), ""), (x, y, x + width, y + height), number)


def _read_tables(
    members: list[Member], read_table: Callable[[Member], pl.DataFrame | None], found: Annotations, *, keep: bool
) -> int:
    """Parts by the names of tables with boxes, and their boxes where `keep`; returns how many such tables there are."""
    count = 0
    for member in members:
        table = read_table(member)
        columns = {name.lower(): name for name in table.columns} if table is not None else {}
        picture = next((columns[name] for name in _NAMES if name in columns), None)
        label = next((columns[name] for name in _LABELS if name in columns), None)
        if table is None or picture is None or label is None or not columns.keys() >= set(_CORNERS):
            continue
        count += 1
        edges = table.select(pl.col(columns[corner]).cast(pl.Float64, strict=False) for corner in _CORNERS)
        _note_table(zip(table[picture], table[label], edges.rows(), strict=True), member.path, found, keep=keep)
    return count


def _note_table(
    rows: Iterable[tuple[str, str, tuple[float | None, ...]]], path: PurePosixPath, found: Annotations, *, keep: bool
) -> None:
    part = named_part(path.name)
    for line, (name, label, corners) in enumerate(rows, start=2):
        key = found.picture(name or "", line)
        if key is None:
            continue
        if part:
            found.parts[key] = part
        present = [corner for corner in corners if corner is not None]
        if keep and len(present) == len(_CORNERS):
            found.add(key, label or "", present, line)
        elif keep:
            found.unmatched.add(found.source, line, "a box without corners", name)


def _read_lists(source: Source, members: Sequence[Member], found: Annotations) -> None:
    """The lists of names in ImageSets/Main of Pascal VOC say the parts."""
    lists = [m for m in members if m.suffix == ".txt" and m.path.stem.lower() in ("train", "val", "test", "valid")]
    for member, data in read_members(source, lists):
        for name in _first_words(decode(data or b"")):
            key = found.lookup.find(name)
            if key is not None:
                found.parts[key] = named_part(member.path.stem) or "train"


def _first_words(text: str) -> Iterator[str]:
    return (line.split()[0] for line in text.splitlines() if line.split())
