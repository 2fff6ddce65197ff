"""The curves of runs as readers see them: truthful thin views of packed chunks. `series_writer` is the other side."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence, Set
from typing import Any

import orjson
from django.db.models import QuerySet, Sum

from webapp.core import apart
from webapp.runs.asked import AXES, BUCKET, Asked, Axis
from webapp.runs.models import Run, SeriesChunk

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
    return apart.run("webapp.runs.curves:views", asked, points, x) if asked else []


def dumps(curves: Any) -> bytes:
    """JSON of what `read` or `compare` returned."""
    return orjson.dumps(curves, option=orjson.OPT_NON_STR_KEYS)


def _load(
    chunks: QuerySet[SeriesChunk], points: int, epochs_per_step: Mapping[int, float]
) -> dict[tuple[int, str], Asked]:
    """Packed curves by run and name; long ones at their coarse level."""
    counts = {
        (pk, name): count
        for pk, name, count in chunks.order_by().values_list("run_id", "name").annotate(count=Sum("count"))
    }
    # MinMaxLTTB looks at four candidates a point; the coarse level has two of each bucket.
    long = {key for key, count in counts.items() if count * 2 // BUCKET >= 4 * points}
    coarse = _packed(chunks.exclude(coarse=b""), long, "coarse")
    exact = _packed(chunks.filter(coarse=b""), long, "data") | _packed(chunks, counts.keys() - long, "data")
    return {
        key: Asked(coarse.get(key, []), exact.get(key, []), count, epochs_per_step[key[0]])
        for key, count in counts.items()
        if key in coarse or key in exact
    }


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
