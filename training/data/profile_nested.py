"""What columns hold whose cells have an inner structure: pictures, sounds, conversations, spans, answers, boxes."""

import io
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from PIL import Image
from pydantic import JsonValue

from training.data.figures import TOP, histogram, most_common, short, spread
from training.data.schema import Column
from training.data.sounds import sound_format

_SOUNDS_OPENED = 1000
"""Sounds whose sampling rate is looked at."""


def _image_column(path: Path, name: str) -> Column:
    widths, heights, modes, missing = list[int](), list[int](), Counter[str](), 0
    for data in _bytes(path, name):
        if data is None:
            missing += 1
            continue
        with Image.open(io.BytesIO(data)) as image:
            widths.append(image.width)
            heights.append(image.height)
            modes[image.mode] += 1
    sizes = Counter(zip(widths, heights, strict=True))
    stats: dict[str, JsonValue] = {
        "width": spread(widths),
        "height": spread(heights),
        "channels": 1 if set(modes) <= {"L", "1", "I", "I;16", "F"} else 3,
        "modes": dict(modes),
        "mixed_sizes": len(sizes) > 1,
        "histograms": {
            name: histogram(np.array(edge)) for name, edge in (("width", widths), ("height", heights)) if len(sizes) > 1
        },
        "sizes": [{"width": w, "height": h, "count": n} for (w, h), n in sizes.most_common(TOP)],
    }
    return Column(name=name, type="image", missing=missing, unique=len(widths), stats=stats)


def _bytes(path: Path, name: str) -> Iterator[bytes | None]:
    file = pq.ParquetFile(path)
    for batch in file.iter_batches(batch_size=256, columns=[f"{name}.bytes"]):
        yield from batch.column(0).field("bytes").to_pylist()


def _audio_column(path: Path, name: str) -> Column:
    lengths = pl.scan_parquet(path).select(pl.col(name).struct.field("seconds")).collect(engine="streaming")["seconds"]
    seconds = lengths.drop_nulls().to_numpy()
    formats = Counter(sound_format(data) for data in islice(_bytes(path, name), _SOUNDS_OPENED) if data)
    stats: dict[str, JsonValue] = {
        "seconds": spread(seconds) | {"total": short(seconds.sum())},
        "rates": most_common(_summed(formats, 0)),
        "channels": most_common(_summed(formats, 1)),
    }
    if len(seconds):
        stats["histogram"] = histogram(seconds)
    return Column(name=name, type="audio", missing=lengths.null_count(), unique=len(seconds), stats=stats)


def _summed(formats: Counter[tuple[int, int]], position: int) -> Counter[str]:
    counts = Counter[str]()
    for form, count in formats.items():
        counts[str(form[position])] += count
    return counts


def _conversation_column(path: Path, name: str) -> Column:
    lazy = _cells(path, name)
    turns = lazy.select(pl.col("cell").list.len()).collect(engine="streaming")["cell"]
    content = pl.element().struct.field("content").str.len_chars().sum()
    lengths = lazy.select(pl.col("cell").list.eval(content).list.first()).collect(engine="streaming")["cell"]
    stats: dict[str, JsonValue] = {
        "turns": spread(turns.drop_nulls().to_numpy()),
        "length": spread(lengths.drop_nulls().to_numpy()),
        "roles": _inner_counts(lazy, "role"),
    }
    if len(lengths.drop_nulls()):
        stats["histogram"] = histogram(lengths.drop_nulls().to_numpy().astype(np.int64))
    return Column(name=name, type="conversation", missing=turns.null_count(), unique=len(turns), stats=stats)


def _spans_column(path: Path, name: str) -> Column:
    lazy = _cells(path, name)
    tokens = _lengths(lazy)
    named = pl.col("tag").str.strip_prefix("B-").alias("tag")
    first = _inner(lazy).select(pl.col("tag").filter(~pl.col("tag").str.contains("^(I-|E-|O$)"))).select(named)
    stats: dict[str, JsonValue] = {
        "length": spread(tokens.drop_nulls().to_numpy()),
        "tags": _inner_counts(lazy, "tag"),
        "labels": _counted(first, "tag"),
        "histogram": histogram(tokens.drop_nulls().to_numpy().astype(np.int64)),
    }
    return Column(name=name, type="spans", missing=tokens.null_count(), unique=len(tokens), stats=stats)


def _answers_column(path: Path, name: str) -> Column:
    lazy = _cells(path, name)
    counts = _lengths(lazy)
    lengths = _inner(lazy).select(pl.col("text").str.len_chars()).collect(engine="streaming")["text"].to_numpy()
    stats: dict[str, JsonValue] = {
        "empty": int((counts == 0).sum()),
        "per_row": spread(counts.drop_nulls().to_numpy()),
        "length": spread(lengths),
    }
    if len(lengths):
        stats["histogram"] = histogram(lengths.astype(np.int64))
    return Column(name=name, type="answers", missing=counts.null_count(), unique=len(counts), stats=stats)


def _boxes_column(path: Path, name: str) -> Column:
    lazy = _cells(path, name)
    counts = _lengths(lazy)
    stats: dict[str, JsonValue] = {
        "empty": int((counts == 0).sum()),
        "per_row": spread(counts.drop_nulls().to_numpy()),
        "labels": _inner_counts(lazy, "label"),
    }
    return Column(name=name, type="boxes", missing=counts.null_count(), unique=len(counts), stats=stats)


def _cells(path: Path, name: str) -> pl.LazyFrame:
    return pl.scan_parquet(path).select(pl.col(name).alias("cell"))


def _lengths(lazy: pl.LazyFrame) -> pl.Series:
    """Elements of each cell, null where there is no cell."""
    return lazy.select(pl.col("cell").list.len()).collect(engine="streaming")["cell"]


def _inner(lazy: pl.LazyFrame) -> pl.LazyFrame:
    """The elements of all cells, one below the other."""
    return lazy.filter(pl.col("cell").list.len() > 0).explode("cell").unnest("cell")


def _inner_counts(lazy: pl.LazyFrame, field: str) -> JsonValue:
    return _counted(_inner(lazy).select(field), field)


def _counted(lazy: pl.LazyFrame, field: str) -> JsonValue:
    counted = lazy.drop_nulls().group_by(field).agg(pl.len().alias("count")).collect(engine="streaming")
    return most_common(dict(counted.iter_rows()))


NESTED_PROFILES: dict[str, Callable[[Path, str], Column]] = {
    "image": _image_column,
    "audio": _audio_column,
    "conversation": _conversation_column,
    "spans": _spans_column,
    "answers": _answers_column,
    "boxes": _boxes_column,
}
