"""The report of a run: how good, against what, where it errs."""

from __future__ import annotations

import math
from dataclasses import dataclass

from training.report import Baseline, Confusion, Estimate, Report
from training.tasks import TASKS, Metric
from webapp.runs.pages.scores import Interval, Score, common_span, metric_of


@dataclass(frozen=True)
class Rival:
    """A baseline's score in one measure."""

    baseline: Baseline
    score: Score
    interval: Interval


@dataclass(frozen=True)
class MeasureRow:
    """One measure of the model beside what the baselines reach, on one axis."""

    score: Score
    interval: Interval
    rivals: list[Rival]

    @property
    def metric(self) -> Metric:
        return self.score.metric


def measure_rows(report: Report) -> list[MeasureRow]:
    """Every measure of the report, the headline first."""
    keys = [report.headline, *(key for key in report.metrics if key != report.headline)]
    return [_measure_row(report, metric_of(TASKS[report.task], key)) for key in keys]


def _measure_row(report: Report, metric: Metric) -> MeasureRow:
    rivals = [baseline for baseline in report.baselines if metric.key in baseline.metrics]
    scores = [_score(metric, baseline.metrics[metric.key], None) for baseline in rivals]
    score = _score(metric, report.metrics[metric.key], scores[0].value if scores else None)
    span = common_span([score, *scores])
    bars = [Rival(baseline, rival, rival.interval(span)) for baseline, rival in zip(rivals, scores, strict=True)]
    return MeasureRow(score, score.interval(span), bars)


def _score(metric: Metric, estimate: Estimate, baseline: float | None) -> Score:
    return Score(metric, estimate.value, estimate.low, estimate.high, baseline)


@dataclass(frozen=True)
class Cell:
    """How often one true class was given one label."""

    truth: str
    prediction: str
    count: int
    heat: int
    """Share of the true class, 0 to 10, for the colour."""
    right: bool


def confusion_rows(confusion: Confusion) -> list[tuple[str, list[Cell]]]:
    """The confusion matrix row by row, true classes downwards."""
    return [
        (truth, [_cell(confusion, truth, at, count, sum(counts)) for at, count in enumerate(counts)])
        for truth, counts in zip(confusion.labels, confusion.counts, strict=True)
    ]


def _cell(confusion: Confusion, truth: str, at: int, count: int, total: int) -> Cell:
    label = confusion.labels[at]
    return Cell(truth, label, count, math.ceil(10 * count / total) if total else 0, label == truth)
