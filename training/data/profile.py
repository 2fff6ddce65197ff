"""What each column holds: type, missing, unique, and figures to draw; one column in memory at a time."""

from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import JsonValue

from training.data.columns import CODES
from training.data.figures import TOP, histogram, short
from training.data.layout import nested_type
from training.data.profile_nested import NESTED_PROFILES
from training.data.schema import ID, PART, Column
from training.tasks import ColumnType

_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_CATEGORY_CHARS = 60
_IN_MEMORY = 64 << 20
"""Bytes of cells up to which a table is read whole, because opening a wide one again for each column is slow."""
_WORDS_SAMPLE = 20_000
_DENSE = r"[\p{Han}\p{Hiragana}\p{Katakana}\p{Thai}\p{Khmer}\p{Lao}\p{Myanmar}]"
"""Characters of scripts that put no spaces between words."""


def profile_columns(path: Path) -> list[Column]:
    """The user's columns of `data.parquet`, in their order."""
    with pq.ParquetFile(path) as file:
        fields = [field for field in file.schema_arrow if field.name not in (ID, PART)]
        groups = range(file.num_row_groups)
        size = sum(file.metadata.row_group(group).total_byte_size for group in groups)
        table = file.read([f.name for f in fields if nested_type(f.type) is None]) if size <= _IN_MEMORY else None
    whole = None if table is None else pl.DataFrame(pl.from_arrow(table))
    return [_profile(path, field, whole) for field in fields]


def count_parts(path: Path) -> dict[str, int]:
    """Rows per part where the files said so; empty where they did not."""
    parts = pl.read_parquet(path, columns=[PART])[PART]
    counts = {part: int((parts == part).sum()) for part in ("train", "val", "test")}
    return {part: count for part, count in counts.items() if count}


def _profile(path: Path, field: pa.Field, whole: pl.DataFrame | None) -> Column:
    """One column; read by itself where the table is too large to be in memory."""
    if nested := nested_type(field.type):
        return NESTED_PROFILES[nested](path, field.name)
    if pa.types.is_string(field.type):
        lazy = pl.scan_parquet(path).select(field.name) if whole is None else whole.select(field.name).lazy()
        return _string_column(lazy.rename({field.name: "cell"}), field.name)
    values = pl.read_parquet(path, columns=[field.name])[field.name] if whole is None else whole[field.name]
    if pa.types.is_boolean(field.type):
        return _described(values, "boolean", {"top": _top(values)})
    if pa.types.is_timestamp(field.type):
        return _described(values, "date", {"min": str(values.min()), "max": str(values.max())})
    return _number_column(values)


def _described(values: pl.Series, kind: ColumnType, stats: dict[str, JsonValue]) -> Column:
    present = values.drop_nulls()
    return Column(name=values.name, type=kind, missing=values.null_count(), unique=present.n_unique(), stats=stats)


def _number_column(values: pl.Series) -> Column:
    numbers = values.drop_nulls().to_numpy()
    if not len(numbers):
        return _described(values, "number", {})
    stats: dict[str, JsonValue] = {
        "min": short(numbers.min()),
        "max": short(numbers.max()),
        "mean": short(numbers.mean()),
        "std": short(numbers.std()),
        "integer": values.dtype.is_integer(),
        "quantiles": {str(q): short(v) for q, v in zip(_QUANTILES, np.quantile(numbers, _QUANTILES), strict=True)},
        "histogram": histogram(numbers),
    }
    column = _described(values, "number", stats)
    if column.unique > CODES:
        return column
    return column.model_copy(update={"stats": stats | _class_stats(values)})


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
    words, dense = first.str.count_matches(r"\S+").mean(), first.str.contains(_DENSE).mean()
    lengths = lazy.select(pl.col("cell").str.len_chars()).drop_nulls().collect(engine="streaming")["cell"].to_numpy()
    stats: dict[str, JsonValue] = {"length": length | {"words": short(words or 0), "dense": short(dense or 0)}}
    if len(lengths):
        stats["histogram"] = histogram(lengths.astype(np.int64))
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


def _class_stats(values: pl.Series) -> dict[str, JsonValue]:
    lazy = values.rename("cell").to_frame().lazy()
    return {"top": _counts(lazy, descending=True), "rarest": _counts(lazy, descending=False)}


def _top(values: pl.Series) -> JsonValue:
    return _counts(values.rename("cell").to_frame().lazy(), descending=True)


def _counts(lazy: pl.LazyFrame, *, descending: bool) -> JsonValue:
    """The commonest or rarest cells with their counts; equal counts in the order of their values."""
    counted = lazy.drop_nulls().group_by("cell").agg(pl.len().alias("count"))
    ordered = counted.sort(["count", "cell"], descending=[descending, False]).head(TOP)
    frame = ordered.collect(engine="streaming")
    return [{"value": value, "count": count} for value, count in frame.iter_rows()]
