"""Runs as lists show them: each with its colour, its result on the list's axis, its curve as small as a word."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from webapp.runs.curves import series
from webapp.runs.models import Run
from webapp.runs.pages.scores import Interval, Score, common_span, headline

PALETTE = 10
"""Colours of the series palette in colours.css; static/js/plotly.js counts the same."""
SPARK_POINTS = 48
SPARK_WIDTH, SPARK_HEIGHT = 96, 24


@dataclass(frozen=True)
class Row:
    """One run in a list."""

    run: Run
    score: Score | None
    interval: Interval | None
    spark: Spark | None

    @property
    def palette(self) -> int:
        return palette_number(self.run.pk)

    @property
    def named_by_itself(self) -> bool:
        """Whether the name, as nobody changed it, says data and architecture already."""
        return self.run.name.startswith(f"{self.run.version.dataset.name[:70]} · ")

    @property
    def share(self) -> float:
        """Part of the steps that is done, in percent."""
        return done_percent(self.run)


def rows(runs: Sequence[Run]) -> list[Row]:
    """Runs as a list shows them; results of one measure are drawn on one axis."""
    scores = {run.pk: headline(run) for run in runs}
    spans = {
        key: common_span(score for score in scores.values() if score and score.metric.key == key)
        for key in {score.metric.key for score in scores.values() if score}
    }
    lines = sparks(runs)
    return [_row(run, scores[run.pk], spans, lines.get(run.pk)) for run in runs]


def _row(run: Run, score: Score | None, spans: Mapping[str, tuple[float, float]], spark: Spark | None) -> Row:
    interval = score.interval(spans[score.metric.key]) if score else None
    return Row(run, score, interval, spark)


def done_percent(run: Run) -> float:
    """Part of the steps that is done, in percent."""
    return round(100 * run.step / run.steps, 1) if run.steps else 0.0


def palette_number(run_id: int) -> int:
    """The run's colour, 1 to 10, the same on every page."""
    return (run_id - 1) % PALETTE + 1


@dataclass(frozen=True)
class Spark:
    """A curve as small as a word."""

    points: str
    last: float


def sparks(runs: Sequence[Run]) -> dict[int, Spark]:
    """The held-out loss of each run, or the training loss where nothing was held out yet, as points of a polyline."""
    curves = series.read_many(runs, ["val/loss", "train/loss"], SPARK_POINTS)
    drawn = {run.pk: _spark(curves[run.pk]) for run in runs}
    return {pk: spark for pk, spark in drawn.items() if spark}


def _spark(curves: Mapping[str, Mapping[str, Any]]) -> Spark | None:
    for name in ("val/loss", "train/loss"):
        points = _numbers(curves.get(name, {}))
        if len(points) >= 2:
            return Spark(polyline(points), points[-1][1])
    return None


def _numbers(curve: Mapping[str, Any]) -> list[tuple[float, float]]:
    pairs = zip(curve.get("x", ()), curve.get("y", ()), strict=True)
    return [(float(x), float(y)) for x, y in pairs if y is not None and math.isfinite(y)]


def polyline(points: Sequence[tuple[float, float]]) -> str:
    """Points stretched over the sparkline's box, as SVG writes them."""
    xs, ys = zip(*points, strict=True)
    left, top = min(xs), max(ys)
    width, height = (max(xs) - left) or 1.0, (top - min(ys)) or 1.0
    return " ".join(
        f"{(x - left) / width * SPARK_WIDTH:.1f},{1 + (top - y) / height * (SPARK_HEIGHT - 2):.1f}" for x, y in points
    )
