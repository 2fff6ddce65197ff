"""The texts of many rows without holding them: joined from their columns when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from itertools import chain
from typing import TypeVar, overload

import numpy as np
import polars as pl
from numpy.typing import NDArray

R = TypeVar("R")
AT_ONCE = 4096
"""Rows whose texts are made at a time."""


class ColumnTexts(Sequence[str]):
    """One text per row of a table: what stands in the columns, line after line; empty where nothing does.

    The cells stay where they lie, which may be a mapped file; texts are made again each time they are gone through.
    `trim` leaves out the space around each, `before` stands at the beginning of each.
    """

    def __init__(self, frame: pl.DataFrame, columns: Sequence[str], *, trim: bool = False, before: str = "") -> None:
        self._frame, self._trim, self._before = frame.select(columns), trim, before

    def __len__(self) -> int:
        return self._frame.height

    def __iter__(self) -> Iterator[str]:
        for start in range(0, len(self), AT_ONCE):
            yield from self[start : start + AT_ONCE]

    @overload
    def __getitem__(self, place: int) -> str: ...

    @overload
    def __getitem__(self, place: slice) -> list[str]: ...

    def __getitem__(self, place: int | slice) -> str | list[str]:
        if isinstance(place, slice):
            some = self._frame[place]
            texts = join_values([some[column].cast(pl.String).to_list() for column in some.columns])
            return [self._before + (text.strip() if self._trim else text) for text in texts]
        start = range(len(self))[place]  # also from the end, and an IndexError beyond it
        return self[start : start + 1][0]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]  # as a list has none


class MadeOfRows(Sequence[R]):
    """What `make` makes of each of these rows of a table, some at a time, anew each time they are gone through.

    The cells stay where they lie, which may be a mapped file.
    """

    def __init__(self, frame: pl.DataFrame, rows: NDArray[np.int64], make: Callable[[pl.DataFrame], list[R]]) -> None:
        self._frame, self._rows, self._make = frame, rows, make

    def __len__(self) -> int:
        return len(self._rows)

    def __iter__(self) -> Iterator[R]:
        for start in range(0, len(self), AT_ONCE):
            yield from self[start : start + AT_ONCE]

    @overload
    def __getitem__(self, place: int) -> R: ...

    @overload
    def __getitem__(self, place: slice) -> list[R]: ...

    def __getitem__(self, place: int | slice) -> R | list[R]:
        if isinstance(place, slice):
            return self._make(self._frame[self._rows[place]])
        (one,) = self._make(self._frame[self._rows[[place]]])
        return one


class Chained(Collection[str]):
    """The texts of several columns, one after another."""

    def __init__(self, parts: Sequence[Sequence[str]]) -> None:
        self._parts = parts

    def __len__(self) -> int:
        return sum(map(len, self._parts))

    def __iter__(self) -> Iterator[str]:
        return chain.from_iterable(self._parts)

    def __contains__(self, text: object) -> bool:
        return any(text in part for part in self._parts)


def join_values(columns: Sequence[Sequence[str | None]]) -> list[str]:
    """One text per row of these columns, without those that are empty."""
    return ["\n".join(value for value in row if value) for row in zip(*columns, strict=True)]
