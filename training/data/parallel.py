"""Two files of an archive whose lines belong together: a text and its translation."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path

import polars as pl

from training.data.archives import Member, read_members
from training.data.readers import Batch, Reading, SetAside
from training.data.schema import PART
from training.data.source import Source, named_part
from training.data.text_files import looks_binary, open_text, peek_text
from training.errors import TrainingError

_BATCH = 8192
_HEAD = 1 << 16


@dataclass(frozen=True)
class Pair:
    """Two files in the order of the archive's languages, and their part."""

    first: Member
    second: Member
    part: str | None


@dataclass(frozen=True)
class Languages:
    """What tells the two files of each pair apart: "en" and "de"."""

    first: str
    second: str
    pairs: tuple[Pair, ...]


def find_pairs(members: Sequence[Member]) -> Languages | None:
    """The pairs, where all files come in twos whose names differ in one word: train.en and train.de."""
    groups: dict[tuple[str, ...], list[tuple[str, Member]]] = {}
    words = [_words(member) for member in members]
    if len(members) < 2 or len(members) % 2:
        return None
    for position in range(max(map(len, words))):
        groups = {}
        for member, name in zip(members, words, strict=True):
            if position < len(name):
                rest = (*name[:position], "", *name[position + 1 :])
                groups.setdefault(rest, []).append((name[position], member))
        found = _languages(list(groups.values()), len(members))
        if found is not None:
            return found
    return None


def _words(member: Member) -> list[str]:
    name = str(member.path.parent / member.path.name.lower().removesuffix(".txt"))
    return [word for word in re.split(r"[/._-]", name.lower()) if word]


def _languages(groups: list[list[tuple[str, Member]]], count: int) -> Languages | None:
    if sum(map(len, groups)) != count or any(len(group) != 2 for group in groups):
        return None
    names = {tuple(word for word, _ in group) for group in groups}
    ordered = {tuple(sorted(pair)) for pair in names}
    if len(ordered) != 1 or any(named_part(word) for pair in names for word in pair):
        return None
    first, second = next(iter(names))
    if first == second:
        return None
    pairs = []
    for group in groups:
        by_name = dict(group)
        pairs.append(Pair(by_name[first], by_name[second], named_part(by_name[first].path.name)))
    return Languages(first, second, tuple(pairs))


def open_pairs(source: Source, packed: str, languages: Languages, work: Path) -> Reading:
    """A row per line; raises TrainingError where two files have different numbers of lines."""
    texts = _unpack(source, languages, work)
    for pair in languages.pairs:
        lines = [_count_lines(texts[member.key]) for member in (pair.first, pair.second)]
        if lines[0] != lines[1]:
            raise TrainingError(
                f"{pair.first.path} has {lines[0]:,} lines and {pair.second.path} {lines[1]:,}, "
                "so their lines do not belong together.",
                "Give both files the same number of lines.",
                code="mismatch",
            )
    several = len(languages.pairs) > 1

    def batches(aside: SetAside) -> Iterator[Batch]:
        for number, pair in enumerate(languages.pairs):
            part = pair.part if several else None
            for rows in _rows(texts[pair.first.key], texts[pair.second.key]):
                frame = pl.DataFrame(
                    rows, schema={languages.first: pl.String, languages.second: pl.String}, orient="row"
                )
                yield Batch(frame.with_columns(pl.lit(part, pl.String).alias(PART)), (number + 1) / len(texts) * 2)

    columns = [languages.first, languages.second]
    title = f"{packed}, lines of {languages.first} and {languages.second}"
    return Reading(title, "table", columns, batches, frozenset(columns))


def are_lines(source: Source, languages: Languages) -> bool:
    """Whether the files are texts with several lines each."""
    members = [member for pair in languages.pairs for member in (pair.first, pair.second)]
    heads = [peek_text((data or b"")[:_HEAD]) for _, data in read_members(source, members)]
    return all(head.count("\n") > 1 and not looks_binary(head) for head in heads)


def _unpack(source: Source, languages: Languages, work: Path) -> dict[str, Path]:
    members = [member for pair in languages.pairs for member in (pair.first, pair.second)]
    paths = {}
    for number, (member, data) in enumerate(read_members(source, members)):
        place = work / f"{number}.txt"
        place.write_bytes(data or b"")
        paths[member.key] = open_text(place, work, name=str(member.path)).path
    return paths


def _count_lines(path: Path) -> int:
    with path.open(encoding="utf-8", errors="replace", newline="\n") as file:
        return sum(1 for _ in file)


def _rows(first: Path, second: Path) -> Iterator[list[tuple[str | None, str | None]]]:
    rows: list[tuple[str | None, str | None]] = []
    with (
        first.open(encoding="utf-8", errors="replace", newline="\n") as left,
        second.open(encoding="utf-8", errors="replace", newline="\n") as right,
    ):
        for one, other in zip_longest(left, right, fillvalue=""):
            if one.strip() or other.strip():
                rows.append((one.strip() or None, other.strip() or None))
            if len(rows) == _BATCH:
                yield rows
                rows = []
    if rows:
        yield rows
