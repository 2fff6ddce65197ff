"""How the curves of runs are written: points gather in a growing chunk, full chunks get a coarse level."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from django.db.models import Max

from training.events import Points
from webapp.runs.curves.packed import EMPTY, Curve, concat, curve_of, pack, pack_extremes, union, unpack
from webapp.runs.models import SeriesChunk

CHUNK = 4096
"""Points in a full chunk."""
TAIL = 256
"""Points that gather in a small chunk before they join the growing one, so that a tick rewrites few bytes."""


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
