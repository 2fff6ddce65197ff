"""What each column holds: type, missing, unique, and figures to draw; one column in memory at a time."""

import io
import math
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray
from PIL import Image
from pydantic import JsonValue

from training.data.columns import CODES
from training.data.layout import CONVERSATION, IMAGE
from training.data.schema import ID, PART, Column
from training.tasks import ColumnType

BINS = 30
TOP = 20
_QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
_CATEGORY_CHARS = 60
_WORDS_SAMPLE = 20_000


def profile_columns(path: Path) -> list[Column]:
    """The user's columns of `data.parquet`, in their order."""
    schema = pq.read_schema(path)
    return [_profile(path, field) for field in schema if field.name not in (ID, PART)]


def count_parts(path: Path) -> dict[str, int]:
    """Rows per part where the files said so; empty where they did not."""
    parts = pl.read_parquet(path, columns=[PART])[PART]
    counts = {part: int((parts == part).sum()) for part in ("train", "val", "test")}
    return {part: count for part, count in counts.items() if count}


def _profile(path: Path, field: pa.Field) -> Column:
    if field.type.equals(IMAGE):
        return _image_column(path, field.name)
    if field.type.equals(CONVERSATION):
        return _conversation_column(path, field.name)
    if pa.types.is_string(field.type):
        return _string_column(path, field.name)
    values = pl.read_parquet(path, columns=[field.name])[field.name]
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
        "min": _short(numbers.min()),
        "max": _short(numbers.max()),
        "mean": _short(numbers.mean()),
        "std": _short(numbers.std()),
        "integer": values.dtype.is_integer(),
        "quantiles": {str(q): _short(v) for q, v in zip(_QUANTILES, np.quantile(numbers, _QUANTILES), strict=True)},
        "histogram": histogram(numbers),
    }
    column = _described(values, "number", stats)
    if column.unique > CODES:
        return column
    return column.model_copy(update={"stats": stats | _class_stats(values)})


def histogram(numbers: NDArray[np.generic]) -> dict[str, JsonValue]:
    """Edges and counts; whole numbers of a narrow range get a bin each."""
    low, high = float(numbers.min()), float(numbers.max())
    if not math.isfinite(high - low):
        return {}
    if np.issubdtype(numbers.dtype, np.integer) and high - low < BINS:
        edges = np.arange(low, high + 2) - 0.5
    else:
        edges = np.linspace(low, high, BINS + 1) if high > low else np.array([low - 0.5, high + 0.5])
    counts, edges = np.histogram(numbers.astype(np.float64), bins=edges)
    return {"edges": [_short(edge) for edge in edges], "counts": counts.tolist()}


def _string_column(path: Path, name: str) -> Column:
    """Text is looked at in a stream, by the hashes of its cells, so that long texts need no memory."""
    lazy = pl.scan_parquet(path).select(pl.col(name).alias("cell"))
    row = lazy.select(
        missing=pl.col("cell").null_count(),
        rows=pl.len(),
        unique=pl.col("cell").drop_nulls().hash().n_unique(),
        mean=pl.col("cell").str.len_chars().mean(),
        longest=pl.col("cell").str.len_chars().max(),
    ).collect(engine="streaming")
    missing, rows, unique, mean, longest = row.row(0)
    length: dict[str, JsonValue] = {"mean": _short(mean or 0), "max": longest or 0}
    kind: ColumnType = "category" if is_category(rows - missing, unique, mean or 0) else "text"
    if kind == "category":
        return Column(name=name, type=kind, missing=missing, unique=unique, stats=_category_stats(lazy, length))
    words = lazy.head(_WORDS_SAMPLE).select(pl.col("cell").str.count_matches(r"\S+").mean()).collect().item()
    lengths = lazy.select(pl.col("cell").str.len_chars()).drop_nulls().collect(engine="streaming")["cell"].to_numpy()
    stats: dict[str, JsonValue] = {"length": length | {"words": _short(words or 0)}}
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


def _image_column(path: Path, name: str) -> Column:
    widths, heights, modes, missing = list[int](), list[int](), Counter[str](), 0
    for data in _image_bytes(path, name):
        if data is None:
            missing += 1
            continue
        with Image.open(io.BytesIO(data)) as image:
            widths.append(image.width)
            heights.append(image.height)
            modes[image.mode] += 1
    sizes = Counter(zip(widths, heights, strict=True))
    stats: dict[str, JsonValue] = {
        "width": _range(widths),
        "height": _range(heights),
        "channels": 1 if set(modes) <= {"L", "1", "I", "I;16", "F"} else 3,
        "modes": dict(modes),
        "mixed_sizes": len(sizes) > 1,
        "sizes": [{"width": w, "height": h, "count": n} for (w, h), n in sizes.most_common(TOP)],
    }
    return Column(name=name, type="image", missing=missing, unique=len(widths), stats=stats)


def _image_bytes(path: Path, name: str) -> Iterator[bytes | None]:
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(batch_size=256, columns=[f"{name}.bytes"]):
        yield from batch.column(0).field("bytes").to_pylist()


def _range(numbers: list[int]) -> JsonValue:
    return {"min": min(numbers), "max": max(numbers), "mean": _short(sum(numbers) / len(numbers))} if numbers else {}


def _conversation_column(path: Path, name: str) -> Column:
    lazy = pl.scan_parquet(path).select(pl.col(name).alias("cell"))
    turns = lazy.select(pl.col("cell").list.len()).collect(engine="streaming")["cell"]
    content = pl.element().struct.field("content").str.len_chars().sum()
    lengths = lazy.select(pl.col("cell").list.eval(content).list.first()).collect(engine="streaming")["cell"]
    roles = (
        lazy.select(pl.col("cell").explode().struct.field("role").alias("role"))
        .drop_nulls()
        .group_by("role")
        .agg(pl.len().alias("count"))
        .sort("count", descending=True)
        .collect(engine="streaming")
    )
    stats: dict[str, JsonValue] = {
        "turns": _range(turns.drop_nulls().to_list()),
        "length": _range(lengths.drop_nulls().to_list()),
        "roles": [{"value": role, "count": count} for role, count in roles.iter_rows()],
    }
    if len(lengths.drop_nulls()):
        stats["histogram"] = histogram(lengths.drop_nulls().to_numpy().astype(np.int64))
    return Column(name=name, type="conversation", missing=turns.null_count(), unique=len(turns), stats=stats)


def _short(number: object) -> float | int:
    """A figure with at most six significant digits; whole numbers stay whole."""
    value = float(number)  # type: ignore[arg-type]
    if value.is_integer() and abs(value) < 2**53:
        return int(value)
    return float(f"{value:.6g}")
