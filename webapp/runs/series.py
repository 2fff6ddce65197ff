"""The curves of runs: packed chunks of points, and truthful thin views of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import orjson
from django.db.models import Max, QuerySet, Sum

from training.events import Points
from webapp.runs.curves import (
    BUCKET,
    EMPTY,
    MOST_MARKS,
    Curve,
    concat,
    curve_of,
    pack,
    pack_extremes,
    shortest,
    spikes_kept,
    union,
    unpack,
    unpack_extremes,
)
from webapp.runs.models import Run, SeriesChunk

Axis: TypeAlias = Literal["step", "epoch", "seconds"]
AXES: tuple[Axis, ...] = ("step", "epoch", "seconds")

CHUNK = 4096
"""Points in a full chunk."""
TAIL = 256
"""Points that gather in a small chunk before they join the growing one, so that a tick rewrites few bytes."""


# Reading


def names(run: Run) -> list[str]:
    """The curves of the run, sorted: ["train/loss", "val/accuracy", ...]."""
    return sorted(SeriesChunk.objects.filter(run=run).order_by().values_list("name", flat=True).distinct())


def read(run: Run, names: Sequence[str] | None = None, points: int = 1000, x: Axis = "step") -> dict[str, Any]:
    """Curves in at most `points` points each that keep every spike; all curves if no names are given.

    {name: {"x": array, "y": array, "count": points in all, "last_step": n,
            "not_numbers": [[x, "nan" | "inf" | "-inf"]]}}.
    The arrays are numpy; `dumps` turns the whole into JSON (values that are not numbers become null there).
    """
    return read_many([run], names, points, x)[run.pk]


def read_many(
    runs: Sequence[Run], names: Sequence[str] | None = None, points: int = 1000, x: Axis = "step"
) -> dict[int, dict[str, Any]]:
    """The same for several runs in two queries: {run id: what `read` returns}."""
    chunks = SeriesChunk.objects.filter(run__in=[run.pk for run in runs])
    if names is not None:
        chunks = chunks.filter(name__in=names)
    by_id = {run.pk: run for run in runs}
    views: dict[int, dict[str, Any]] = {pk: {} for pk in by_id}
    for (pk, name), (curve, count) in _load(chunks, points).items():
        views[pk][name] = _view(curve, count, points, _axis(by_id[pk], x))
    return views


def dumps(curves: Any) -> bytes:
    """JSON of what `read` or `compare` returned."""
    return orjson.dumps(curves, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


def thin(points: Points, most: int) -> dict[str, Any]:
    """A block of new points for a live frame, in at most `most` points that keep the spikes."""
    curve = curve_of(points)
    curve = curve.part(spikes_kept(curve.steps, curve.values, most))
    return {"steps": curve.steps, "seconds": curve.seconds, "values": shortest(curve.values)}


def _load(chunks: QuerySet[SeriesChunk], points: int) -> dict[tuple[int, str], tuple[Curve, int]]:
    """Curves by run and name with their true number of points; long ones at their coarse level."""
    counts = {
        (pk, name): count
        for pk, name, count in chunks.order_by().values_list("run_id", "name").annotate(count=Sum("count"))
    }
    # MinMaxLTTB looks at four candidates a point; the coarse level has two of each bucket.
    long = {key for key, count in counts.items() if count * 2 // BUCKET >= 4 * points}
    curves = _read_coarse(chunks, long) | _read_whole(chunks, counts.keys() - long)
    return {key: (curve, counts[key]) for key, curve in curves.items()}


def _read_whole(chunks: QuerySet[SeriesChunk], keys: Set[tuple[int, str]]) -> dict[tuple[int, str], Curve]:
    return {key: concat([unpack(data) for data in packed]) for key, packed in _packed(chunks, keys, "data").items()}


def _read_coarse(chunks: QuerySet[SeriesChunk], keys: Set[tuple[int, str]]) -> dict[tuple[int, str], Curve]:
    """The coarse level of the full chunks, and every point of those that still grow."""
    growing = _read_whole(chunks.filter(coarse=b""), keys)
    full = _packed(chunks.exclude(coarse=b""), keys, "coarse")
    return {key: concat([unpack_extremes(packed), growing.get(key, EMPTY)]) for key, packed in full.items()}


def _packed(
    chunks: QuerySet[SeriesChunk], keys: Set[tuple[int, str]], column: str
) -> dict[tuple[int, str], list[bytes]]:
    """One column of all chunks, by run and name, in the order of the steps."""
    found: dict[tuple[int, str], list[bytes]] = defaultdict(list)
    if keys:
        wanted = chunks.filter(run_id__in={pk for pk, _ in keys}, name__in={name for _, name in keys}, count__gt=0)
        for pk, name, data in wanted.order_by("run_id", "name", "number").values_list("run_id", "name", column):
            if (pk, name) in keys:
                found[pk, name].append(bytes(data))
    return found


def _axis(run: Run, x: Axis) -> Any:
    if x == "seconds":
        return lambda curve: curve.seconds
    if x == "epoch":
        per_step = run.epoch / run.step if run.step else 0.0
        return lambda curve: (curve.steps * per_step).round(4)
    return lambda curve: curve.steps


def _view(curve: Curve, count: int, points: int, axis: Any) -> dict[str, Any]:
    shown = curve.part(spikes_kept(curve.steps, curve.values, points))
    odd = curve.part(~np.isfinite(curve.values))
    marks = zip(axis(odd)[:MOST_MARKS].tolist(), map(str, odd.values[:MOST_MARKS]), strict=True)
    return {
        "x": axis(shown),
        "y": shortest(shown.values),
        "count": count,
        "last_step": int(curve.steps[-1]),
        "not_numbers": [[place, value] for place, value in marks],
    }


# Writing


@dataclass
class _End:
    """The growing end of one curve as it is in the database."""

    number: int
    growing: Curve
    tail: Curve
    last_step: int


class Writer:
    """Appends to the curves of one run; the only one who does, because a run has one supervisor.

    Keeps the growing ends in memory, so that it need not read what it wrote a moment ago. After a transaction that was
    rolled back take a new one.
    """

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._ends = self._read_ends()

    def append(self, points: Mapping[str, Points]) -> None:
        """Add points to any number of curves; points of steps that are already there replace them."""
        rows: list[SeriesChunk] = []
        for name, block in points.items():
            if block.steps:
                rows += self._grow(name, curve_of(block))
        SeriesChunk.objects.bulk_create(
            rows,
            update_conflicts=True,
            unique_fields=["run", "name", "number"],
            update_fields=["count", "first_step", "last_step", "low", "high", "coarse", "data"],
        )

    def _grow(self, name: str, new: Curve) -> list[SeriesChunk]:
        end = self._ends.setdefault(name, _End(0, EMPTY, EMPTY, -1))
        if new.steps[0] <= end.last_step:
            late = new.steps <= end.last_step
            self._mend(name, new.part(late))
            new, end = new.part(~late), self._ends[name]
            if not len(new):
                return []
        end.last_step = int(new.steps[-1])
        end.tail = concat([end.tail, new])
        if len(end.tail) < TAIL and len(end.growing):
            return [self._row(name, end.number + 1, end.tail)]
        return self._merge(name, end)

    def _merge(self, name: str, end: _End) -> list[SeriesChunk]:
        """Move the tail into the growing chunk, and cut off the chunks that became full."""
        had_tail = len(end.growing) > 0
        rows = []
        end.growing, end.tail = concat([end.growing, end.tail]), EMPTY
        while len(end.growing) >= CHUNK:
            rows.append(self._row(name, end.number, end.growing.part(slice(CHUNK)), full=True))
            end.growing = end.growing.part(slice(CHUNK, None))
            end.number += 1
        if len(end.growing):
            rows.append(self._row(name, end.number, end.growing))
        if had_tail and len(rows) == 1:  # what was the tail's own row until now
            rows.append(self._row(name, rows[0].number + 1, EMPTY))
        return rows

    def _mend(self, name: str, late: Curve) -> None:
        """Put points where they belong among those that are already written."""
        chunks = list(
            SeriesChunk.objects.filter(run_id=self._run_id, name=name, count__gt=0)
            .order_by("number")
            .only("pk", "last_step")
        )
        ends = np.array([chunk.last_step for chunk in chunks])
        owner = np.searchsorted(ends, late.steps)
        for place in np.unique(owner):
            row = SeriesChunk.objects.get(pk=chunks[place].pk)
            mended = union([unpack(bytes(row.data)), late.part(owner == place)])
            new = self._row(name, row.number, mended, full=bool(row.coarse))
            new.pk = row.pk
            new.save(force_update=True)
        self._ends[name] = self._read_ends(name)[name]

    def _read_ends(self, name: str = "") -> dict[str, _End]:
        chunks = SeriesChunk.objects.filter(run_id=self._run_id)
        if name:
            chunks = chunks.filter(name=name)
        ends = {
            name: _End(number + 1, EMPTY, EMPTY, last_step)
            for name, number, last_step in chunks.order_by()
            .exclude(coarse=b"")
            .values_list("name")
            .annotate(number=Max("number"), last=Max("last_step"))
        }
        for chunk in chunks.filter(coarse=b"", count__gt=0).order_by("name", "number"):
            end = ends.setdefault(chunk.name, _End(chunk.number, EMPTY, EMPTY, -1))
            if chunk.number == end.number:
                end.growing = unpack(bytes(chunk.data))
            else:
                end.tail = unpack(bytes(chunk.data))
            end.last_step = chunk.last_step
        return ends

    def _row(self, name: str, number: int, curve: Curve, full: bool = False) -> SeriesChunk:
        known = curve.values[np.isfinite(curve.values)]
        return SeriesChunk(
            run_id=self._run_id,
            name=name,
            number=number,
            count=len(curve),
            first_step=int(curve.steps[0]) if len(curve) else 0,
            last_step=int(curve.steps[-1]) if len(curve) else 0,
            low=float(known.min()) if len(known) else None,
            high=float(known.max()) if len(known) else None,
            coarse=pack_extremes(curve) if full else b"",
            data=pack(curve, level=1 if full else 0),
        )
