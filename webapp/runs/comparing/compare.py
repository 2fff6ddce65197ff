"""Runs side by side: what differs in their settings, and whether the difference in results is real."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.utils.translation import gettext as _
from pydantic import JsonValue

from training.report import Report
from training.spec import TrainSpec
from training.tasks import TASKS
from webapp.runs.comparing import paired
from webapp.runs.curves import series
from webapp.runs.folds.services import shared_by
from webapp.runs.models import Run
from webapp.runs.results import predictions_path, read_report

MOST_TESTED = 10
"""Runs that are tested against the first one; each costs reading its predictions."""


def compare(runs: Sequence[Run], points: int = 500, x: series.Axis = "step") -> dict[str, Any]:
    """Everything the compare page shows; the first run is the one that the others are tested against.

    {"runs": [{"id", "name", "slug", "status", "task", "architecture", "dataset", "version", "seconds", "parameters",
               "device", "headline"}],
     "settings": [{"key": "recipe.lr", "title": "Learning rate", "values": [one per run, None where it has none],
                   "differs": bool}],
     "metrics": [{"key", "title", "about", "higher_is_better", "percent", "unit",
                  "values": [{"value", "low", "high"} or None], "best": index or None}],
     "curves": {name: [{"run": id, "x": array, "y": array, "count": n}]},
     "pairs": [{"a": first run's id, "b": other's id, "test": "mcnemar" | "bootstrap", "examples", "fixed", "broken",
                "difference", "low", "high", "p", "better": id or None, "sentence"}],
     "warnings": ["The runs were judged on different held-out examples..."]}
    """
    reports = [read_report(run) for run in runs]
    pairs, warnings = _pairs(runs)
    if len({run.task for run in runs}) > 1:
        warnings.insert(0, _("These runs learnt different tasks; their measures cannot be compared."))
    return {
        "runs": [_facts(run) for run in runs],
        "settings": _settings(runs),
        "metrics": _metrics(runs, reports),
        "curves": _curves(runs, points, x),
        "pairs": pairs,
        "warnings": warnings,
    }


def _facts(run: Run) -> dict[str, Any]:
    return {
        "id": run.pk,
        "name": run.name,
        "slug": run.slug,
        "status": run.status,
        "task": run.task,
        "architecture": run.architecture,
        "dataset": run.version.dataset.name,
        "version": run.version.number,
        "seconds": run.seconds,
        "parameters": run.parameters,
        "device": run.device,
        "headline": run.headline,
    }


def _settings(runs: Sequence[Run]) -> list[dict[str, Any]]:
    """Every setting that any of the runs has, in the order of the forms."""
    columns = [{key: (title, value) for key, title, value in _stored(run)} for run in runs]
    keys = dict.fromkeys(key for column in columns for key in column)
    table = []
    for key in keys:
        title = next(column[key][0] for column in columns if key in column)
        values = [column[key][1] if key in column else None for column in columns]
        differs = any(value != values[0] for value in values) or any(key not in column for column in columns)
        table.append({"key": key, "title": title, "values": values, "differs": differs})
    return table


def _stored(run: Run) -> Iterator[tuple[str, str, JsonValue]]:
    """Key, title and value of everything that decided a run."""
    spec = run.train_spec()
    yield "dataset", _("Data"), f"{run.version.dataset.name} v{run.version.number}"
    yield "task", _("Task"), TASKS[spec.task].title
    for role in TASKS[spec.task].roles:
        yield f"roles.{role.key}", role.title, ", ".join(spec.roles.get(role.key, []))
    yield "architecture", _("Architecture"), type(spec.network()).title
    yield from _fields(spec)


def _fields(spec: TrainSpec) -> Iterator[tuple[str, str, JsonValue]]:
    for prefix, settings in (("settings", spec.network()), ("recipe", spec.recipe), ("split", spec.split)):
        values = settings.model_dump(mode="json")
        for name, field in type(settings).model_fields.items():
            yield f"{prefix}.{name}", field.title or name, values[name]


def _metrics(runs: Sequence[Run], reports: Sequence[Report | None]) -> list[dict[str, Any]]:
    """The measures of the first run's task, with each run's interval and which is best."""
    rows = []
    for metric in TASKS[runs[0].task].metrics if runs else ():
        found = [report.metrics.get(metric.key) if report else None for report in reports]
        known = {place: estimate.value for place, estimate in enumerate(found) if estimate}
        best = (max if metric.higher_is_better else min)(known, key=known.__getitem__) if known else None
        if known:
            rows.append(
                {
                    "key": metric.key,
                    "title": metric.title,
                    "about": metric.about,
                    "higher_is_better": metric.higher_is_better,
                    "percent": metric.percent,
                    "unit": metric.unit,
                    "values": [estimate.model_dump() if estimate else None for estimate in found],
                    "best": best,
                }
            )
    return rows


def _curves(runs: Sequence[Run], points: int, x: series.Axis) -> dict[str, list[dict[str, Any]]]:
    """Loss and measures of all runs, curve by curve."""
    views = series.read_many(runs, None, points, x)
    names = sorted({name for view in views.values() for name in view if name == "train/loss" or name[:4] == "val/"})
    return {name: [{"run": pk, **view[name]} for pk, view in views.items() if name in view] for name in names}


def _pairs(runs: Sequence[Run]) -> tuple[list[dict[str, Any]], list[str]]:
    """Each run against the first, example by example, where both were judged on the same ones."""
    pairs, warnings = [], []
    if runs and (group := shared_by(runs)):
        sentence = _("These are folds of “%(name)s”: each was judged on other examples, so only their mean counts.")
        return [], [sentence % {"name": group.name}]
    if not runs or predictions_path(runs[0]) is None:
        return [], []
    for run in runs[1 : MOST_TESTED + 1]:
        if predictions_path(run) is None or run.task != runs[0].task:
            continue
        figures = paired.compare_answers(runs[0], run)
        if figures:
            pairs.append(paired.judge(runs[0], run, figures))
        elif figures is None:
            warnings.append(
                _("“%(a)s” and “%(b)s” were judged on different held-out examples: their measures are not comparable.")
                % {"a": runs[0].name, "b": run.name}
            )
    return pairs, warnings
