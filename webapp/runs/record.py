"""What an engine's events mean for the run: fields of its row, points of its curves, lines of its log."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import orjson
from django.utils.timezone import now

from training import events as told
from training.report import Report
from training.tasks import TASKS
from webapp.runs.models import Note, Run


def told_fields(run: Run, events: Sequence[told.Event]) -> dict[str, Any]:
    """What the events change on the run's row, which `run` then says too."""
    fields: dict[str, Any] = {}
    for event in events:
        match event:
            case told.Started():
                fields |= {
                    "parameters": event.parameters,
                    "device": event.device,
                    "steps": event.steps,
                    "step": event.resumed_from,
                }
            case told.Phase():
                fields["phase"] = event.title
            case told.Progress():
                fields |= {
                    "step": event.step,
                    "steps": event.steps,
                    "epoch": event.epoch,
                    "seconds": event.seconds,
                    "eta_seconds": event.eta_seconds,
                    "metrics": _with_news(fields.get("metrics", run.metrics), event, run.task),
                }
            case told.Checkpoint():
                fields |= {"checkpoint_step": event.step, "interruptions": 0}
    for name, value in fields.items():
        setattr(run, name, value)
    return fields


def _with_news(metrics: dict[str, Any], event: told.Progress, task: str) -> dict[str, Any]:
    """The last and best value of every curve; values that are not numbers are no best, and a last of None."""
    metrics = dict(metrics)
    for name, points in event.points.items():
        if not points.values:
            continue
        best = max if _higher_is_better(task, name) else min
        known = [value for value in points.values if math.isfinite(value)]
        old = metrics.get(name, {}).get("best")
        candidates = known if old is None else [*known, old]
        last = points.values[-1]
        metrics[name] = {
            "last": last if math.isfinite(last) else None,
            "best": best(candidates) if candidates else None,
        }
    return metrics


def _higher_is_better(task: str, name: str) -> bool:
    metric = TASKS[task].metric(name.partition("/")[2])
    if metric:
        return metric.higher_is_better
    return not name.endswith("loss")


def joined_points(events: Sequence[told.Event]) -> dict[str, told.Points]:
    """All points of a block, curve by curve."""
    joined: dict[str, told.Points] = {}
    for event in events:
        for name, new in event.points.items() if isinstance(event, told.Progress) else ():
            if name in joined:
                old = joined[name]
                new = told.Points(
                    steps=old.steps + new.steps, seconds=old.seconds + new.seconds, values=old.values + new.values
                )
            joined[name] = new
    return joined


def note(run: Run, event: told.Event) -> Note:
    """The event as one line of the run's log."""
    data = orjson.loads(event.model_dump_json(exclude={"type", "time", "step"}).replace("\\u0000", ""))
    time = datetime.fromtimestamp(event.time, UTC) if event.time else now()
    return Note(run=run, kind=event.type, step=getattr(event, "step", 0), data=data, created=time)


def headline(report: Report) -> dict[str, Any]:
    """What lists show of a report: the first measure, its interval, the strongest baseline and the grade."""
    best = report.metrics[report.headline]
    baseline = report.baselines[0].metrics.get(report.headline) if report.baselines else None
    return {
        "key": report.headline,
        "value": best.value,
        "low": best.low,
        "high": best.high,
        "baseline": baseline.value if baseline else None,
        "grade": report.verdict.grade,
    }
