"""Tables as numbers: how columns of mixed types, with gaps, become tensors, learnt from the train part alone."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, Literal, Protocol, TypeAlias, runtime_checkable

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from training.data.sounds import is_sound
from training.tabular.made_columns import Made, find_made
from training.texts.words import WORD

Numbers: TypeAlias = NDArray[np.floating[Any]]
Scaling: TypeAlias = Literal["robust", "standard", "plain"]
"""By median and quartiles with a soft clip, by mean and deviation, or not at all (float64, gaps left as NaN)."""
MOST_CATEGORIES = 256
MOSTLY = 0.5
"""Share of different cells from which on words are texts."""
WORDS = 3
"""Words per cell from which on they are texts."""


@runtime_checkable
class ReadsTable(Protocol):
    """Settings of an architecture that wants its numbers scaled in another way than networks do."""

    scaling: Scaling


def scaling_of(settings: object) -> Scaling:
    """How an architecture with these settings wants its numbers."""
    return settings.scaling if isinstance(settings, ReadsTable) else "robust"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True)


class NumberColumn(_Part):
    """A numeric column: missing becomes the centre, then centre and scale are taken out."""

    name: str
    kind: Literal["number", "date"]
    fill: float
    scale: float
    made: Made | None = None
    """What it is made of, if it is no column of the data."""
    gaps: bool
    """Whether the train part has gaps; then a second number says whether the value was there, unless left plain."""

    @property
    def is_turned(self) -> bool:
        """Whether it is a slanting axis through two others."""
        return self.made is not None and self.made.angle is not None


class CategoryColumn(_Part):
    """A column of names: 0 stands for missing, rare and never seen."""

    name: str
    values: list[str]


class TableEncoding(_Part):
    """Everything that turns rows into tensors."""

    numbers: list[NumberColumn]
    categories: list[CategoryColumn]
    scaling: Scaling = "robust"
    texts: list[str] = []
    """Columns of sentences, read by networks that can read."""
    pictures: list[str] = []
    sounds: list[str] = []

    @property
    def is_plain(self) -> bool:
        """Whether all of it is numbers and categories."""
        return not (self.texts or self.pictures or self.sounds)

    def plain(self) -> TableEncoding:
        """Without texts, pictures and sounds."""
        return self.model_copy(update={"texts": [], "pictures": [], "sounds": []})

    @property
    def names(self) -> set[str]:
        """The columns that are read."""
        plain = {column.name for column in self.given} | {column.name for column in self.categories}
        return plain | {*self.texts, *self.pictures, *self.sounds}

    @property
    def given(self) -> list[NumberColumn]:
        """The numbers that are columns of the data."""
        return [column for column in self.numbers if column.made is None]

    @property
    def width(self) -> int:
        """Numbers per row."""
        return len(self.numbers) if self.scaling == "plain" else self.scaled_width

    @property
    def scaled_width(self) -> int:
        """Numbers per row of the same table, made for a network: gaps are marked, and it turns axes by itself."""
        return sum(1 + column.gaps for column in self.numbers if not column.is_turned)

    @property
    def sizes(self) -> tuple[int, ...]:
        """Distinct codes per categorical column."""
        return tuple(len(column.values) + 1 for column in self.categories)

    @property
    def precision(self) -> type[np.floating[Any]]:
        """What numbers are kept in: networks take float32, everything else float64."""
        return np.float32 if self.scaling == "robust" else np.float64

    def inputs(self, near: Sequence[str] = ()) -> tuple[list[str], NDArray[np.float64], NDArray[np.float64]]:
        """What enters a linear model, number by number: a name, and the scale and centre that were taken out.

        `near`: titles of numbers that come between those of the columns and the categories, as they are.
        """
        parts = []
        for number in self.numbers:
            parts.append((number.name, number.scale, number.fill))
            parts += [(f"{number.name} known", 1.0, 0.0)] if number.gaps else []
        parts += [(title, 1.0, 0.0) for title in near]
        for category in self.categories:
            parts += [(f"{category.name} {value}", 1.0, 0.0) for value in ("other", *category.values)]
        return (
            [name for name, *_ in parts],
            np.array([part[1] for part in parts]),
            np.array([part[2] for part in parts]),
        )

    def encode(self, frame: pl.DataFrame) -> tuple[Numbers, NDArray[np.int64]]:
        """Rows as numbers (rows, width) and codes (rows, categories).

        The robust scaling with a smooth clip to ±3 is that of RealMLP: Holzmüller et al., "Better by default", 2024,
        https://arxiv.org/abs/2407.04491.
        """
        encode = {"robust": _encode_robust, "standard": _encode_standard, "plain": _encode_plain}[self.scaling]
        given = {column.name: as_numbers(frame[column.name]) for column in self.given}
        values = [given[column.name] if column.made is None else column.made.of(given) for column in self.numbers]
        numbers = [part for each, column in zip(values, self.numbers, strict=True) for part in encode(each, column)]
        codes = [_encode_category(frame[column.name], column) for column in self.categories]
        rows = frame.height
        return (
            np.column_stack(numbers) if numbers else np.zeros((rows, 0), self.precision),
            np.stack(codes, axis=1) if codes else np.zeros((rows, 0), np.int64),
        )


def learn_encoding(columns: Iterable[pl.Series], scaling: Scaling = "robust", *, make: bool = False) -> TableEncoding:
    """Look at the train part's columns and decide how each is read; a column without a value is not.

    `make` adds columns made of the numbers; slanting axes only where numbers are left plain, for trees.
    """
    numbers: list[NumberColumn] = []
    categories: list[CategoryColumn] = []
    given: dict[str, NDArray[np.float64]] = {}
    texts: list[str] = []
    pictures: list[str] = []
    sounds: list[str] = []
    for column in columns:
        name = column.name
        if column.null_count() == column.len():
            continue
        if isinstance(column.dtype, pl.Struct):
            (sounds if holds_sounds(column) else pictures).append(name)
        elif holds_sentences(column):
            texts.append(name)
        elif column.dtype.is_numeric() or column.dtype.is_temporal():
            values = as_numbers(column)
            given |= {name: values} if make else {}
            numbers.append(_learn_number(name, values, scaling, is_date=column.dtype.is_temporal()))
        else:
            categories.append(_learn_category(column))
    return TableEncoding(
        numbers=[*numbers, *_learn_made(given, scaling)],
        categories=categories,
        scaling=scaling,
        texts=texts,
        pictures=pictures,
        sounds=sounds,
    )


def _learn_made(given: dict[str, NDArray[np.float64]], scaling: Scaling) -> Iterator[NumberColumn]:
    for made in find_made(given):
        values = made.of(given)
        if (made.angle is None or scaling == "plain") and np.isfinite(values).any():
            yield _learn_number(made.title, values, scaling, made=made)


def holds_sounds(column: pl.Series) -> bool:
    """Whether the files in the cells are sounds rather than pictures, by the first of them."""
    first = column.struct.field("bytes").drop_nulls().first()
    return isinstance(first, bytes) and is_sound(first)


def holds_sentences(column: pl.Series) -> bool:
    """Whether the cells are texts to be read rather than names: mostly different, and of several words each."""
    there = column.drop_nulls()
    if column.dtype != pl.String or there.n_unique() <= there.len() * MOSTLY:
        return False
    return float(there.str.count_matches(WORD.pattern).mean() or 0) >= WORDS  # type: ignore[arg-type]


def _learn_number(
    name: str, values: NDArray[np.float64], scaling: Scaling, *, is_date: bool = False, made: Made | None = None
) -> NumberColumn:
    there = values[np.isfinite(values)]
    if scaling == "standard":
        middle, scale = there.mean(), there.std()
    else:
        low, middle, high = np.quantile(there, (0.25, 0.5, 0.75))
        scale = high - low or (there.max() - there.min()) / 2
    return NumberColumn(
        name=name,
        kind="date" if is_date else "number",
        made=made,
        fill=float(middle),
        scale=float(scale) or 1.0,
        gaps=len(there) < len(values),
    )


def _learn_category(column: pl.Series) -> CategoryColumn:
    counts = column.cast(pl.String).drop_nulls().value_counts(sort=True)
    return CategoryColumn(name=column.name, values=sorted(counts[column.name].head(MOST_CATEGORIES).to_list()))


def _encode_plain(values: NDArray[np.float64], learnt: NumberColumn) -> list[Numbers]:
    return [values]


def _encode_standard(values: NDArray[np.float64], learnt: NumberColumn) -> list[Numbers]:
    there = np.isfinite(values)
    scaled = (np.where(there, values, learnt.fill) - learnt.fill) / learnt.scale
    return [scaled, there.astype(np.float64)] if learnt.gaps else [scaled]


def _encode_robust(values: NDArray[np.float64], learnt: NumberColumn) -> list[Numbers]:
    scaled, *there = _encode_standard(values, learnt)
    return [part.astype(np.float32) for part in (clipped_softly(scaled), *there)]


def clipped_softly(scaled: Numbers) -> Numbers:
    """Numbers around 0 as they are, those far from it brought smoothly to within ±3."""
    return np.asarray(scaled / np.sqrt(1 + (scaled / 3) ** 2))


def _encode_category(column: pl.Series, learnt: CategoryColumn) -> NDArray[np.int64]:
    codes = pl.Series(range(1, len(learnt.values) + 1), dtype=pl.Int64)
    names = pl.Series(learnt.values, dtype=pl.String)
    return column.cast(pl.String).replace_strict(names, codes, default=0, return_dtype=pl.Int64).to_numpy()


def as_numbers(column: pl.Series) -> NDArray[np.float64]:
    """Values as float64, dates as seconds since 1970, gaps as NaN."""
    if column.dtype.is_temporal():
        column = column.cast(pl.Datetime("ms")).cast(pl.Int64) / 1000
    return column.cast(pl.Float64, strict=False).fill_null(float("nan")).to_numpy()
