"""Curves in memory: packed to few bytes, and thinned so that every spike stays. Knows no database and no Django."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
from numpy.typing import NDArray

from training.events import Points
from webapp.runs.curves.asked import BUCKET, Asked, Axis

MOST_MARKS = 200
"""Values that are not numbers which one view or one chunk's coarse level lists."""


@dataclass(frozen=True)
class Curve:
    """Points in the order of their steps, each step once."""

    steps: NDArray[np.int64]
    seconds: NDArray[np.float32]
    values: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.steps)

    def part(self, chosen: Any) -> Curve:
        """The points of a slice, mask or list of places."""
        return Curve(self.steps[chosen], self.seconds[chosen], self.values[chosen])


EMPTY = Curve(np.empty(0, np.int64), np.empty(0, np.float32), np.empty(0, np.float64))


def curve_of(points: Points) -> Curve:
    """An engine's points as a curve; of a step that comes twice the later value counts."""
    curve = Curve(
        np.array(points.steps, np.int64), np.array(points.seconds, np.float32), np.array(points.values, np.float64)
    )
    return curve if _rising(curve.steps) else union([curve])


# The packed form: a header; then steps as differences, seconds as float32, and values as float32 where that loses
# nothing, else float64; all little-endian. Full chunks put the bytes of equal weight side by side and deflate them.

_HEADER = struct.Struct("<BBBxIq")


def pack(curve: Curve, level: int = 0) -> bytes:
    """The curve as bytes, deflated unless `level` is 0."""
    first = int(curve.steps[0]) if len(curve) else 0
    gaps = np.diff(curve.steps, prepend=first)
    gaps = gaps.astype(np.min_scalar_type(int(gaps.max()) if len(gaps) else 0))
    values = shortest(curve.values)
    columns = (gaps, curve.seconds, values)
    header = _HEADER.pack(level, gaps.itemsize, values.itemsize, len(curve), first)
    if level == 0:
        return header + b"".join(column.tobytes() for column in columns)
    planes = b"".join(column.view(np.uint8).reshape(-1, column.itemsize).T.tobytes() for column in columns)
    return header + zlib.compress(planes, level)


def unpack(data: bytes) -> Curve:
    """The curve that `pack` packed."""
    level, gap_size, value_size, count, first = _HEADER.unpack_from(data)
    body = memoryview(data)[_HEADER.size :]
    read_column = _plain_column
    if level:
        body, read_column = memoryview(zlib.decompress(body)), _plane_column
    gaps, seconds, values = count * gap_size, count * (gap_size + 4), count * (gap_size + 4 + value_size)
    steps = np.cumsum(read_column(body[:gaps], f"<u{gap_size}", count), dtype=np.int64)
    return Curve(
        steps + first,
        read_column(body[gaps:seconds], "<f4", count),
        read_column(body[seconds:values], f"<f{value_size}", count).astype(np.float64),
    )


def _plain_column(data: memoryview, kind: str, count: int) -> NDArray[Any]:
    return np.frombuffer(data, kind, count)


def _plane_column(data: memoryview, kind: str, count: int) -> NDArray[Any]:
    planes = np.frombuffer(data, np.uint8).reshape(np.dtype(kind).itemsize, count)
    return np.ascontiguousarray(planes.T).view(kind).reshape(count)


def concat(curves: Sequence[Curve]) -> Curve:
    """Curves end to end."""
    if len(curves) == 1:
        return curves[0]
    return Curve(
        np.concatenate([curve.steps for curve in curves]),
        np.concatenate([curve.seconds for curve in curves]),
        np.concatenate([curve.values for curve in curves]),
    )


def union(curves: Sequence[Curve]) -> Curve:
    """All points in the order of their steps; of a step that comes twice the later one counts."""
    whole = concat(curves)
    order = np.argsort(whole.steps, kind="stable")
    ordered = whole.part(order)
    last = np.append(ordered.steps[1:] != ordered.steps[:-1], True)
    return ordered.part(last)


def _rising(steps: NDArray[np.int64]) -> bool:
    return bool(np.all(steps[1:] > steps[:-1]))


_EXTREME = np.dtype([("step", "<i8"), ("seconds", "<f4"), ("value", "<f8")])


def pack_extremes(curve: Curve) -> bytes:
    """The lowest and the highest point of every bucket, and what is not a number, as records of 20 bytes."""
    whole = len(curve) // BUCKET * BUCKET
    finite = np.isfinite(curve.values)
    starts = np.arange(0, whole, BUCKET)
    low = np.where(finite, curve.values, np.inf)[:whole].reshape(-1, BUCKET).argmin(axis=1) + starts
    high = np.where(finite, curve.values, -np.inf)[:whole].reshape(-1, BUCKET).argmax(axis=1) + starts
    rest = np.arange(whole, len(curve))
    odd = np.flatnonzero(~finite)[:MOST_MARKS]
    chosen = curve.part(np.unique(np.concatenate([low, high, rest, odd, [0, len(curve) - 1]])))
    records = np.empty(len(chosen), _EXTREME)
    records["step"], records["seconds"], records["value"] = chosen.steps, chosen.seconds, chosen.values
    return records.tobytes()


def unpack_extremes(packed: bytes) -> Curve:
    """What `pack_extremes` packed, of any number of chunks one after the other."""
    records = np.frombuffer(packed, _EXTREME)
    return Curve(*(np.ascontiguousarray(records[name]) for name in ("step", "seconds", "value")))


def spikes_kept(steps: NDArray[np.int64], values: NDArray[np.float64], points: int) -> NDArray[np.int64]:
    """Places of at most `points` points that draw the same picture.

    Three quarters of them are chosen by MinMaxLTTB (Van Der Donckt et al., 2023); the rest are the points that stand
    out most from their neighbourhood, so that two spikes side by side are both there.
    """
    places = np.flatnonzero(np.isfinite(values))
    if len(places) <= points or points < 8:
        return places[:: max(1, -(-len(places) // points))]
    from tsdownsample import MinMaxLTTBDownsampler

    downsampler = MinMaxLTTBDownsampler()  # type: ignore[no-untyped-call]
    x, y = steps[places], values[places]
    line = np.asarray(downsampler.downsample(x, y, n_out=points * 3 // 4), np.int64)
    chosen: NDArray[np.int64] = places[np.union1d(line, _outstanding(y, points - len(line)))]
    return chosen


def _outstanding(y: NDArray[np.float64], count: int) -> NDArray[np.int64]:
    """Places of the `count` values that are furthest from the median of the values around them."""
    width = max(1, len(y) // count)
    whole = len(y) // width * width
    middles = np.median(y[:whole].reshape(-1, width), axis=1)
    distance = np.abs(y - np.append(np.repeat(middles, width), np.full(len(y) - whole, middles[-1])))
    return np.asarray(np.argpartition(distance, -count)[-count:], np.int64)


def shortest(values: NDArray[np.float64]) -> NDArray[Any]:
    """As float32 where that loses nothing: half the bytes, and half the digits in JSON."""
    with np.errstate(over="ignore"):
        small = values.astype(np.float32)
    return small if np.array_equal(small, values, equal_nan=True) else values


def views(asked: Sequence[Asked], points: int, axis: Axis) -> list[dict[str, Any]]:
    """Each curve in at most `points` points; see `series.read` for the shape."""
    return [_view(curve, points, axis) for curve in asked]


def _view(asked: Asked, points: int, axis: Axis) -> dict[str, Any]:
    level = [unpack_extremes(asked.coarse)] if asked.coarse else []
    curve = concat(level + [unpack(data) for data in asked.chunks])
    shown = curve.part(spikes_kept(curve.steps, curve.values, points))
    odd = curve.part(np.flatnonzero(~np.isfinite(curve.values))[:MOST_MARKS])
    marks = zip(_plain(_places(odd, axis, asked)), odd.values, strict=True)
    return {
        "x": _plain(_places(shown, axis, asked)),
        "y": _plain(shortest(shown.values)),
        "count": asked.count,
        "last_step": int(curve.steps[-1]),
        "not_numbers": [[place, str(value)] for place, value in marks],
    }


def _places(curve: Curve, axis: Axis, asked: Asked) -> NDArray[Any]:
    if axis == "seconds":
        return curve.seconds
    return (curve.steps * asked.epochs_per_step).round(4) if axis == "epoch" else curve.steps


def _plain(values: NDArray[Any]) -> list[float]:
    """Python's numbers with as few digits as the array's kind needs."""
    numbers: list[float] = orjson.loads(orjson.dumps(np.ascontiguousarray(values), option=orjson.OPT_SERIALIZE_NUMPY))
    return numbers


def thin(points: Points, most: int) -> dict[str, Any]:
    """A block of new points for a live frame, in at most `most` points that keep the spikes."""
    curve = curve_of(points)
    curve = curve.part(spikes_kept(curve.steps, curve.values, most))
    return {"steps": curve.steps, "seconds": curve.seconds, "values": shortest(curve.values)}
