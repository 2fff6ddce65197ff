"""A result in one measure, with its interval and what it must beat."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from training.tasks import TASKS, Metric, Task
from training.tasks.measures import LOSS
from webapp.runs.models import Run


@dataclass(frozen=True)
class Interval:
    """An estimate drawn as a bar: positions from 0 (left) to 100 (right)."""

    value: float
    low: float
    high: float
    baseline: float | None

    @property
    def width(self) -> float:
        return max(1.5, self.high - self.low)


@dataclass(frozen=True)
class Score:
    """A measure with its interval, and what it must beat."""

    metric: Metric
    value: float
    low: float
    high: float
    baseline: float | None
    grade: str = ""

    @property
    def beats(self) -> bool | None:
        """Whether the result is better than its baseline; None if there is none."""
        if self.baseline is None:
            return None
        return self.value > self.baseline if self.metric.higher_is_better else self.value < self.baseline

    def interval(self, span: tuple[float, float]) -> Interval:
        """Where it lies between two values."""
        ends = [self.value, self.low, self.high, self.baseline]
        value, low, high, baseline = (None if end is None else _position(end, span) for end in ends)
        assert value is not None and low is not None and high is not None
        return Interval(value, low, high, baseline)


def headline(run: Run) -> Score | None:
    """The result in one measure; None before the run is finished."""
    found = run.headline
    if not found:
        return None
    metric = metric_of(TASKS[run.task], found["key"])
    value = found["value"]
    low, high = found.get("low", value), found.get("high", value)
    return Score(metric, value, low, high, found.get("baseline"), found.get("grade", ""))


def common_span(scores: Iterable[Score]) -> tuple[float, float]:
    """An axis on which all these results and their baselines can be drawn."""
    scores = list(scores)
    if scores and all(score.metric.percent for score in scores):
        return 0.0, 1.0
    ends = [end for score in scores for end in (score.low, score.high, score.value, score.baseline) if end is not None]
    if not ends:
        return 0.0, 1.0
    margin = (max(ends) - min(ends)) * 0.1 or 1.0
    return min(ends) - margin, max(ends) + margin


def _position(value: float, span: tuple[float, float]) -> float:
    low, high = span
    return round(100 * min(1.0, max(0.0, (value - low) / (high - low))), 2)


def metric_of(task: type[Task], key: str) -> Metric:
    """A task's measure by its key; measures of other origin get a title of their key."""
    return task.metric(key) or (LOSS if key == "loss" else Metric(key, key.replace("_", " ").capitalize(), ""))
