"""What comes out without any cleverness, known before anything is trained."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from training.data.schema import Column, Description
from training.spec import TrainSpec
from training.tasks import TASKS, Metric, Task
from webapp.runs.pages.scores import metric_of


@dataclass(frozen=True)
class ToBeat:
    """What comes out without any cleverness: a result below it is a bubble."""

    metric: Metric
    value: float
    text: str


def to_beat(description: Description, spec: TrainSpec) -> ToBeat | None:
    """The simplest guess for this target, read off the profile; None where only a training can tell."""
    if "target" not in spec.roles:
        return None
    target = next((column for column in description.columns if column.name == spec.column("target")), None)
    if target is None:
        return None
    keys = _keys(spec.kind())
    if "r2" in keys:
        return _mean_guess(target, spec.kind())
    return _majority_guess(target, description.rows) if "accuracy" in keys else None


def _keys(task: type[Task]) -> set[str]:
    return {metric.key for metric in task.metrics}


def _majority_guess(target: Column, total: int) -> ToBeat | None:
    top: Any = target.stats.get("top")
    counted = total - target.missing
    if not top or not counted:
        return None
    text = _("always answering “%(label)s”") % {"label": top[0]["value"]}
    return ToBeat(metric_of(TASKS["tabular-classification"], "accuracy"), top[0]["count"] / counted, text)


def _mean_guess(target: Column, task: type[Task]) -> ToBeat | None:
    mean, spread = target.stats.get("mean"), target.stats.get("std")
    if not isinstance(mean, int | float) or not isinstance(spread, int | float):
        return None
    text = _("always answering the mean, %(mean)s") % {"mean": f"{mean:,.4g}" if abs(mean) < 1000 else f"{mean:,.0f}"}
    return ToBeat(metric_of(task, "rmse"), float(spread), text)
