"""What the compare page shows, from what `compare` found out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from training.tasks import TASKS, Metric
from webapp.runs.curves import series
from webapp.runs.models import Run
from webapp.runs.pages.charts import AXES, chart_words
from webapp.runs.pages.rows import Row, rows
from webapp.runs.pages.scores import Interval, Score, common_span, metric_of
from webapp.runs.pages.stored import spoken


@dataclass(frozen=True)
class ComparedScore:
    """One run's result in one measure."""

    row: Row
    score: Score | None
    interval: Interval | None
    is_best: bool


@dataclass(frozen=True)
class ComparedMeasure:
    """One measure of all runs, on one axis."""

    metric: Metric
    scores: list[ComparedScore]


@dataclass(frozen=True)
class ComparedSetting:
    """One setting of all runs."""

    title: str
    values: list[str]
    differs: bool


@dataclass(frozen=True)
class Pair:
    """A run tested against the first one, in words."""

    first: Row
    other: Row
    found: Mapping[str, Any]


def comparison(runs: Sequence[Run], found: Mapping[str, Any]) -> dict[str, Any]:
    """Runs side by side; `found` is what `webapp.runs.compare.compare` returned."""
    columns = rows(runs)
    by_id = {row.run.pk: row for row in columns}
    measures = {metric.key: metric for run in runs for metric in TASKS[run.task].metrics}
    return {
        "columns": columns,
        "measures": [_measure(metric, columns) for metric in found["metrics"]],
        "settings": [_setting(setting) for setting in found["settings"]],
        "pairs": [Pair(by_id[pair["a"]], by_id[pair["b"]], pair) for pair in found["pairs"]],
        "warnings": found["warnings"],
        "curves": _embeddable(series.dumps(found["curves"])),
        "config": chart_words(measures.values()) | {"names": {run.pk: run.name for run in runs}},
        "axes": AXES,
        "query": urlencode({"runs": ",".join(str(run.pk) for run in runs)}),
        "ids": [run.pk for run in runs],
    }


def _measure(found: Mapping[str, Any], columns: Sequence[Row]) -> ComparedMeasure:
    metric = metric_of(TASKS[columns[0].run.task], found["key"])
    scores = [
        Score(metric, value["value"], value["low"], value["high"], None) if value else None for value in found["values"]
    ]
    span = common_span(score for score in scores if score)
    best = None if _tied(scores, found["best"]) else found["best"]
    return ComparedMeasure(
        metric,
        [
            ComparedScore(row, score, score.interval(span) if score else None, place == best)
            for place, (row, score) in enumerate(zip(columns, scores, strict=True))
        ],
    )


def _tied(scores: Sequence[Score | None], best: int) -> bool:
    """Whether another run reaches the best value too."""
    values = [score.value for score in scores if score]
    winner = scores[best]
    return winner is not None and values.count(winner.value) > 1


def _setting(found: Mapping[str, Any]) -> ComparedSetting:
    return ComparedSetting(found["title"], [spoken(value) for value in found["values"]], found["differs"])


def _embeddable(json: bytes) -> str:
    """JSON that may stand in a script element."""
    return json.decode().replace("<", "\\u003c").replace("&", "\\u0026")
