"""The curves of runs as readers see them: truthful thin views of packed chunks. `series_writer` is the other side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import Any, TypeAlias

import orjson
from django.db.models import Case, F, QuerySet, Value, When

from webapp.core import apart
from webapp.runs.curves.asked import AXES, BUCKET, Asked, Axis
from webapp.runs.models import Run, SeriesChunk

Key: TypeAlias = tuple[int, str]
"""A curve: run and name."""

__all__ = ["AXES", "Axis", "dumps", "names", "read", "read_many"]


def names(run: Run) -> list[str]:
    """The curves of the run, sorted: ["train/loss", "val/accuracy", ...]."""
    return sorted(SeriesChunk.objects.filter(run=run).order_by().values_list("name", flat=True).distinct())


def read(run: Run, names: Sequence[str] | None = None, points: int = 1000, x: Axis = "step") -> dict[str, Any]:
    """Curves in at most `points` points each that keep every spike; all curves if no names are given.

    {name: {"x": [...], "y": [...], "count": points in all, "last_step": n,
            "not_numbers": [[x, "nan" | "inf" | "-inf"]]}}
    """
    return read_many([run], names, points, x)[run.pk]


def read_many(
    runs: Sequence[Run], names: Sequence[str] | None = None, points: int = 1000, x: Axis = "step"
) -> dict[int, dict[str, Any]]:
    """The same for several runs in a few queries: {run id: what `read` returns}."""
    chunks = SeriesChunk.objects.filter(run__in=[run.pk for run in runs])
    if names is not None:
        chunks = chunks.filter(name__in=names)
    asked = _load(chunks, points, {run.pk: run.epoch / run.step if run.step else 0.0 for run in runs})
    found: dict[int, dict[str, Any]] = {run.pk: {} for run in runs}
    for (pk, name), view in zip(asked, _views(list(asked.values()), points, x), strict=True):
        found[pk][name] = view
    return found


def _views(asked: list[Asked], points: int, x: Axis) -> list[dict[str, Any]]:
    """The numbers are worked out beside this process, which so does without numpy."""
    return apart.run("webapp.runs.curves.packed:views", asked, points, x) if asked else []


def dumps(curves: Any) -> bytes:
    """JSON of what `read` or `compare` returned."""
    return orjson.dumps(curves, option=orjson.OPT_NON_STR_KEYS)


def _load(chunks: QuerySet[SeriesChunk], points: int, epochs_per_step: Mapping[int, float]) -> dict[Key, Asked]:
    """Packed curves by run and name: short ones point by point, long ones at their coarse level."""
    counts, coarse, growing = _read_ends(chunks)
    # the coarse level has two candidates of each bucket; a view chooses among at least twice as many as it shows
    short = {key for key, count in counts.items() if count < BUCKET * points}
    full = _read_full(chunks, short & coarse.keys())
    return {
        key: Asked(
            b"" if key in short else b"".join(coarse[key]), [*full[key], *growing[key]], count, epochs_per_step[key[0]]
        )
        for key, count in counts.items()
    }


def _read_ends(
    chunks: QuerySet[SeriesChunk],
) -> tuple[dict[Key, int], dict[Key, list[bytes]], dict[Key, list[bytes]]]:
    """How many points each curve has, the coarse level of its full chunks, and its growing chunks, in order."""
    counts: dict[Key, int] = defaultdict(int)
    coarse: dict[Key, list[bytes]] = defaultdict(list)
    growing: dict[Key, list[bytes]] = defaultdict(list)
    data = Case(When(coarse=b"", then=F("data")), default=Value(b""))
    columns = ("run_id", "name", "count", "coarse", data)
    for pk, name, count, level, tail in chunks.order_by("run_id", "name", "number").values_list(*columns):
        counts[pk, name] += count
        if level:
            coarse[pk, name].append(bytes(level))
        elif count:
            growing[pk, name].append(bytes(tail))
    return counts, coarse, growing


def _read_full(chunks: QuerySet[SeriesChunk], keys: Set[Key]) -> dict[Key, list[bytes]]:
    """Every point of the full chunks of some curves, in order."""
    found: dict[Key, list[bytes]] = defaultdict(list)
    if keys:
        wanted = chunks.filter(run_id__in={pk for pk, _ in keys}, name__in={name for _, name in keys})
        rows = wanted.exclude(coarse=b"").order_by("run_id", "name", "number")
        for pk, name, data in rows.values_list("run_id", "name", "data"):
            if (pk, name) in keys:
                found[pk, name].append(bytes(data))
    return found
