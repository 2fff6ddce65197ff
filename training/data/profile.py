"""What each column holds: type, missing, unique, and figures to draw; one column in memory at a time."""

from collections.abc import Sequence
from pathlib import Path
from typing import TypeAlias

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from pydantic import JsonValue

from training.data.columns import CHARACTERS_PER_TOKEN, CODES
from training.data.figures import BINS, TOP, histogram, short
from training.data.languages import count_languages
from training.data.layout import nested_type
from training.data.numbers import read_numbers
from training.data.profile_nested import NESTED_PROFILES
from training.data.schema import ID, PART, Column
from training.tasks import ColumnType

Ordered: TypeAlias = NDArray[np.int64] | NDArray[np.float64]
"""Numbers, or microseconds since 1970, the smallest first."""

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_CATEGORY_CHARS = 60
_IN_MEMORY = 64 << 20
"""Bytes of cells up to which a table is read whole, because opening a wide one again for each column is slow."""
_WORDS_SAMPLE = 20_000
_LANGUAGE_SAMPLE = 2000
_AT_ONCE = 1 << 18
_DENSE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Khmer}\p{Lao}\p{Myanmar}]"
"""Characters of scripts that put no spaces between words."""

_WORDS = pl.col("cell").str.count_matches(r"\S+").alias("words")
_IS_DENSE = pl.col("cell").str.contains(_DENSE).alias("dense")
_PER_TOKEN = pl.when(pl.col("cell").str.contains(_DENSE)).then(1.0).otherwise(CHARACTERS_PER_TOKEN)
_TOKENS = pl.max_horizontal("words", pl.col("cell").str.len_chars() / _PER_TOKEN).alias("tokens")
"""About how many pieces a tokenizer makes of a text: a character is one where words are not spaced, no word less."""


def profile_columns(path: Path) -> list[Column]:
    """The user's columns of `data.parquet`, in their order."""
    with pq.ParquetFile(path) as file:
        fields = [field for field in file.schema_arrow if field.name not in (ID, PART)]
        groups = range(file.num_row_groups)
        rows = file.metadata.num_rows
        size = sum(file.metadata.row_group(group).total_byte_size for group in groups)
        table = file.read([f.name for f in fields if nested_type(f.type) is None]) if size <= _IN_MEMORY else None
    whole = None if table is None else pl.DataFrame(pl.from_arrow(table))
    return [_profile(path, field, whole, rows) for field in fields]


def count_parts(path: Path) -> dict[str, int]:
    """Rows per part where the files said so; empty where they did not."""
    counted = pl.scan_parquet(path).group_by(PART).len().collect(engine="streaming")
    counts = dict(counted.iter_rows())
    return {part: counts[part] for part in ("train", "val", "test") if part in counts}


def _profile(path: Path, field: pa.Field, whole: pl.DataFrame | None, rows: int) -> Column:
    """One column; read by itself where the table is too large to be in memory."""
    if nested := nested_type(field.type):
        return NESTED_PROFILES[nested](path, field.name)
    if pa.types.is_string(field.type):
        lazy = pl.scan_parquet(path).select(field.name) if whole is None else whole.select(field.name).lazy()
        return _string_column(lazy.rename({field.name: "cell"}), field.name)
    if pa.types.is_boolean(field.type):
        values = pl.read_parquet(path, columns=[field.name])[field.name] if whole is None else whole[field.name]
        return _boolean_column(values)
    return _ordered_column(field, _ordered(path, field.name, whole), rows)


def _boolean_column(values: pl.Series) -> Column:
    unique = values.drop_nulls().n_unique()
    stats = {"top": _counts(values.rename("cell").to_frame().lazy(), descending=True)}
    return Column(name=values.name, type="boolean", missing=values.null_count(), unique=unique, stats=stats)


def _ordered(path: Path, name: str, whole: pl.DataFrame | None) -> Ordered:
    """The numbers or times that are present, the smallest first; one copy of them is all that is held."""
    if whole is not None:
        return np.sort(whole[name].drop_nulls().to_physical().to_numpy())
    values = read_numbers(path, name)
    values.sort()
    return values


def _ordered_column(field: pa.Field, values: Ordered, rows: int) -> Column:
    unique = int(np.count_nonzero(values[1:] != values[:-1])) + 1 if len(values) else 0
    date = pa.types.is_timestamp(field.type)
    stats = _number_stats(values, unique) if not date else _date_stats(values)
    kind: ColumnType = "date" if date else "number"
    return Column(name=field.name, type=kind, missing=rows - len(values), unique=unique, stats=stats)


def _date_stats(values: Ordered) -> dict[str, JsonValue]:
    if not len(values):
        return {}
    places = [_quantile(values, share) for share in _QUANTILES]
    first, last = _moments([values[0], values[-1]])
    stats: dict[str, JsonValue] = {
        "min": first,
        "max": last,
        "quantiles": dict(zip(map(str, _QUANTILES), _moments(places), strict=True)),
    }
    if values[-1] - values[0] < BINS * 1_000_000:  # bins of less than a second have no names
        return stats
    counts, edges = np.histogram(values, bins=BINS)
    return stats | {"histogram": {"edges": list(_moments(edges)), "counts": counts.tolist()}}


def _moments(microseconds: Sequence[float] | NDArray[np.float64]) -> list[str]:
    """Times since 1970 in words to the second, such as "2024-05-31 00:00:00"."""
    times = pl.from_epoch(pl.Series(np.asarray(microseconds, np.float64).astype(np.int64)), "us")
    return [str(time) for time in times.dt.truncate("1s")]


def _number_stats(values: Ordered, unique: int) -> dict[str, JsonValue]:
    if not len(values):
        return {}
    stats: dict[str, JsonValue] = {
        "min": short(values[0]),
        "max": short(values[-1]),
        "mean": short(values.mean()),
        "std": short(_deviation(values)),
        "integer": np.issubdtype(values.dtype, np.integer),
        "quantiles": {str(share): short(_quantile(values, share)) for share in _QUANTILES},
        "histogram": histogram(values),
    }
    return stats if unique > CODES else stats | _class_stats(values)


def _quantile(values: Ordered, share: float) -> float:
    """Between the two nearest values in a straight line, as numpy does by default."""
    place = share * (len(values) - 1)
    low = int(place)
    first, second = float(values[low]), float(values[min(low + 1, len(values) - 1)])
    return first + (second - first) * (place - low)


def _deviation(values: Ordered) -> float:
    """The standard deviation of the population, without a second array of the same length."""
    mean = values.mean()
    squares = (np.square(values[start : start + _AT_ONCE] - mean).sum() for start in range(0, len(values), _AT_ONCE))
    return float(np.sqrt(sum(squares) / len(values)))


def _class_stats(values: Ordered) -> dict[str, JsonValue]:
    """The commonest and the rarest of a few numbers."""
    starts = np.flatnonzero(np.concatenate([[True], values[1:] != values[:-1]]))
    counted = pl.DataFrame({"cell": values[starts], "count": np.diff(starts, append=len(values))}).lazy()
    return {"top": _extremes(counted, descending=True), "rarest": _extremes(counted, descending=False)}


def _string_column(lazy: pl.LazyFrame, name: str) -> Column:
    """Text is looked at in a stream, by the hashes of its cells, so that long texts need no memory."""
    row = lazy.select(
        missing=pl.col("cell").null_count(),
        rows=pl.len(),
        unique=pl.col("cell").drop_nulls().hash().n_unique(),
        mean=pl.col("cell").str.len_chars().mean(),
        longest=pl.col("cell").str.len_chars().max(),
    ).collect(engine="streaming")
    missing, rows, unique, mean, longest = row.row(0)
    length: dict[str, JsonValue] = {"mean": short(mean or 0), "max": longest or 0}
    kind: ColumnType = "category" if is_category(rows - missing, unique, mean or 0) else "text"
    if kind == "category":
        return Column(name=name, type=kind, missing=missing, unique=unique, stats=_category_stats(lazy, length))
    first = lazy.head(_WORDS_SAMPLE).drop_nulls().collect()["cell"]
    words, dense, tokens = first.to_frame("cell").with_columns(_WORDS).select("words", _IS_DENSE, _TOKENS).mean().row(0)
    lengths = lazy.select(pl.col("cell").str.len_chars()).drop_nulls().collect(engine="streaming")["cell"].to_numpy()
    told: dict[str, JsonValue] = {"words": short(words or 0), "dense": short(dense or 0), "tokens": short(tokens or 0)}
    stats: dict[str, JsonValue] = {"length": length | told}
    if languages := count_languages(first.head(_LANGUAGE_SAMPLE)):
        stats["languages"] = [{"value": language, "count": count} for language, count in languages.items()]
    if len(lengths):
        stats["histogram"] = histogram(lengths)
    if unique <= 0.9 * (rows - missing):
        stats["top"] = _counts(lazy, descending=True)
    return Column(name=name, type="text", missing=missing, unique=unique, stats=stats)


def is_category(present: int, unique: int, mean_length: float) -> bool:
    """Whether strings are names of classes, rather than texts or identifiers: short, and the same ones again."""
    if present == 0 or mean_length > _CATEGORY_CHARS:
        return False
    if unique <= 0.5 * present:
        return unique <= max(50, min(1000, 0.05 * present))
    return unique <= 20 and unique < present and mean_length <= 30


def _category_stats(lazy: pl.LazyFrame, length: dict[str, JsonValue]) -> dict[str, JsonValue]:
    return {
        "length": length,
        "top": _counts(lazy, descending=True),
        "rarest": _counts(lazy, descending=False),
    }


def _counts(lazy: pl.LazyFrame, *, descending: bool) -> JsonValue:
    """The commonest or rarest cells with their counts; equal counts in the order of their values."""
    return _extremes(lazy.drop_nulls().group_by("cell").agg(pl.len().alias("count")), descending=descending)


def _extremes(counted: pl.LazyFrame, *, descending: bool) -> JsonValue:
    ordered = counted.sort(["count", "cell"], descending=[descending, False]).head(TOP)
    frame = ordered.collect(engine="streaming")
    return [{"value": value, "count": count} for value, count in frame.iter_rows()]
