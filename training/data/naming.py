"""Which file of an archive a table or an annotation means."""

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath

import polars as pl

from training.data.archives import Member
from training.data.media import Notes
from training.data.readers import SetAside
from training.data.schema import PART

_NAMED = 0.5
"""Share of a column's cells, and of the files, that must match before a table is taken to name the files."""


class Lookup:
    """Files by what people call them: the whole path, its end, the bare name, the name without suffix."""

    def __init__(self, members: Sequence[Member]) -> None:
        calls = [(call, member.key) for member in members for call in _calls(member.path)]
        often = Counter(call for call, _ in calls)
        self._keys = {call: key for call, key in calls if often[call] == 1}

    def find(self, name: str) -> str | None:
        """The key of the file that is meant, None where none or several may be."""
        path = PurePosixPath(name.strip().replace("\\", "/").lower())
        candidates = [str(PurePosixPath(*path.parts[start:])) for start in range(len(path.parts))]
        return next((self._keys[call] for call in candidates if call in self._keys), None)


def _calls(path: PurePosixPath) -> set[str]:
    """Every name by which the file may be called, in small letters."""
    small = PurePosixPath(str(path).lower())
    ends = {str(PurePosixPath(*small.parts[start:])) for start in range(len(small.parts))}
    return ends | {str(small.with_suffix("")), small.stem}


def table_notes(table: pl.DataFrame, name: str, members: Sequence[Member]) -> Notes | None:
    """The rows of a table by the file that one of its columns names; None where no column does."""
    lookup = Lookup(members)
    found = {column: [lookup.find(cell or "") for cell in table[column].cast(pl.String)] for column in _texts(table)}
    column = max(found, key=lambda column: len(set(found[column]) - {None}), default=None)
    if column is None:
        return None
    keys = found[column]
    known = len(set(keys) - {None})
    if (known < _NAMED * len(members) and known < 0.9 * len(table)) or known < _NAMED * len(set(table[column])):
        return None
    rows, unmatched = dict[str, int](), SetAside()
    for row, (key, cell) in enumerate(zip(keys, table[column].to_list(), strict=True)):
        if key is None or key in rows:
            reason = (
                "names a file that is not in the archive" if key is None else "names a file that has its row already"
            )
            unmatched.add(name, row + 2, reason, str(cell))
        else:
            rows[key] = row
    return Notes(table.drop(column), rows, f"named in {name}", unmatched=unmatched)


def _texts(table: pl.DataFrame) -> Iterable[str]:
    return [column for column, kind in table.schema.items() if column != PART and kind == pl.String]
