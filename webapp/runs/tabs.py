"""What each tab of a run's page shows."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from pydantic import JsonValue

from training.report import Baseline, Confusion, Estimate, Report
from training.tasks import TASKS, Metric
from webapp.core.templatetags.touchstone import number
from webapp.runs import services
from webapp.runs.curves import series
from webapp.runs.inputs import inputs_of
from webapp.runs.models import Run
from webapp.runs.presenters import Interval, Score, common_span, metric_of, spoken, stored_settings, to_beat

PREDICTIONS_PER_PAGE = 24
MOST_BESIDE = 6
"""Classes up to which the confusion matrix finds room beside the examples."""
MOST_NOTES = 500
MOST_SAMPLES = 100

Context: TypeAlias = dict[str, Any]

SYSTEM_CURVES: Mapping[str, Promise] = {
    "loss": gettext_lazy("Loss"),
    "lr": gettext_lazy("Learning rate"),
    "trial_loss": gettext_lazy("Loss while the learning rate rises"),
    "trial_lr": gettext_lazy("Learning rate that is tried"),
    "examples_per_second": gettext_lazy("Examples per second"),
    "tokens_per_second": gettext_lazy("Tokens per second"),
    "memory_mb": gettext_lazy("Memory, MB"),
    "gpu_memory_mb": gettext_lazy("GPU memory, MB"),
}
"""Titles of curves that are no measures of a task."""
AXES = (("step", gettext_lazy("Step")), ("epoch", gettext_lazy("Epoch")), ("seconds", gettext_lazy("Time")))


def charts(run: Run) -> Context:
    """What board.js must know beside the points: titles, units, baselines and checkpoints."""
    checkpoints = run.notes.filter(kind="checkpoint").values_list("step", flat=True)
    config = chart_words(TASKS[run.task].metrics) | {
        "splits": {"train": _("Training"), "val": _("Held-out data"), "system": _("Machine")},
        "baselines": _baselines(run),
        "checkpoints": list(checkpoints),
        "epochs": run.spec["recipe"]["epochs"],
    }
    return {"config": config, "curve_names": series.names(run), "axes": AXES}


def chart_words(metrics: Iterable[Metric]) -> Context:
    """Titles, units and order of the charts of some measures."""
    measures = list(metrics)
    return {
        "titles": {key: str(title) for key, title in SYSTEM_CURVES.items()} | {m.key: m.title for m in measures},
        "percent": [metric.key for metric in measures if metric.percent],
        "units": {
            "step": _("step"),
            "epoch": _("epoch"),
            "seconds": _("seconds"),
            "minutes": _("minutes"),
            "hours": _("hours"),
        },
        "order": ["loss", *(metric.key for metric in measures), *SYSTEM_CURVES],
    }


def _baselines(run: Run) -> dict[str, dict[str, Any]]:
    """By measure, the strongest baseline's value; before the report, the simplest guess."""
    if report := services.read_report(run):
        return {
            key: {"value": estimate.value, "title": baseline.title}
            for baseline in reversed(report.baselines)
            for key, estimate in baseline.metrics.items()
        }
    guess = to_beat(run.version.describe(), run.train_spec())
    return {guess.metric.key: {"value": guess.value, "title": guess.text}} if guess else {}


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


def summary(run: Run) -> Context:
    """The report: how good, against what, where it errs, what to try next."""
    report = services.read_report(run)
    if report is None:
        return {"report": None}
    return {
        "report": report,
        "measures": measure_rows(report),
        "confusion": confusion_rows(report.confusion) if report.confusion else [],
        "curve_config": [curve.model_dump() for curve in report.curves],
        "parts": parts_of(run, report.rows),
        "facts": [(title, _fact(value)) for title, value in report.facts.items()],
    }


def _fact(value: JsonValue) -> str:
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else spoken(value)


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


def predictions_tab(run: Run) -> Context:
    """The confusion matrix, whose cells choose among the examples; `predictions` reads those."""
    report = services.read_report(run)
    if report is None:
        return {"report": None}
    confusion = confusion_rows(report.confusion) if report.confusion else []
    return {"report": report, "confusion": confusion, "is_wide": len(confusion) > MOST_BESIDE}


def predictions(run: Run, *, truth: str = "", prediction: str = "", wrong: bool = False, offset: int = 0) -> Context:
    """One page of held-out examples with what the model was shown, hardest first."""
    found = services.read_predictions(
        run, truth=truth, prediction=prediction, wrong=wrong, offset=offset, limit=PREDICTIONS_PER_PAGE
    )
    inputs = inputs_of(run.version, run.train_spec(), [int(result["row"]) for result in found["results"]])
    end = offset + len(found["results"])
    return {
        "examples": [(result, inputs.get(int(result["row"]), [])) for result in found["results"]],
        "count": found["count"],
        "first": offset + 1,
        "last": end,
        "previous_offset": max(0, offset - PREDICTIONS_PER_PAGE) if offset else None,
        "next_offset": end if end < found["count"] else None,
        "truth": truth,
        "prediction": prediction,
        "wrong": wrong,
    }


def samples(run: Run) -> Context:
    """What a language model wrote at each evaluation, the newest first, and what it answers in the end."""
    report = services.read_report(run)
    return {
        "samples": run.notes.filter(kind="sample").order_by("-pk")[:MOST_SAMPLES],
        "answered": [sample for sample in report.samples if sample.truth] if report else [],
    }


def data(run: Run) -> Context:
    """The data set version, the columns by role, and how many examples each part has."""
    spec, description = run.train_spec(), run.version.describe()
    columns = {column.name: column for column in description.columns}
    report = services.read_report(run)
    started = run.notes.filter(kind="started").order_by("-pk").first()
    return {
        "description": description,
        "roles": [
            (role, [columns[name] for name in spec.roles.get(role.key, []) if name in columns])
            for role in TASKS[run.task].roles
        ],
        "parts": parts_of(run, report.rows if report else (started.data.get("rows", {}) if started else {})),
    }


def parts_of(run: Run, counts: Mapping[str, int]) -> list[tuple[str, int]]:
    """Examples per part in words; without a share of its own the validation looks at the held-out part."""
    words = {"train": _("To learn from"), "val": _("To choose the best moment"), "test": _("Held out")}
    shown = counts if run.spec["split"]["validation"] else {part: n for part, n in counts.items() if part != "val"}
    return [(words.get(part, part), count) for part, count in shown.items()]


def logs(run: Run) -> Context:
    """The newest notes, in the order in which they were written."""
    return {"notes": reversed(run.notes.exclude(kind__in=["sample", "surface"]).order_by("-pk")[:MOST_NOTES])}


def settings(run: Run) -> Context:
    """Everything that decided the training, as stored."""
    return {"groups": stored_settings(run.train_spec())}


def files(run: Run) -> Context:
    """What the run left behind."""
    found = services.list_files(run)
    return {"files": found, "total": sum(file["bytes"] for file in found)}


TABS: Mapping[str, Callable[[Run], Context]] = {
    "charts": charts,
    "summary": summary,
    "predictions": predictions_tab,
    "samples": samples,
    "data": data,
    "logs": logs,
    "settings": settings,
    "files": files,
}


def titles(run: Run) -> list[tuple[str, str]]:
    """The run's tabs: the log comes first when it failed, samples only where a model writes."""
    shown = {
        "charts": _("Charts"),
        "summary": _("Summary"),
        "predictions": _("Predictions"),
        "samples": _("Samples"),
        "data": _("Data"),
        "logs": _("Log"),
        "settings": _("Settings"),
        "files": _("Files"),
    }
    if TASKS[run.task].tryout == "chat":
        del shown["predictions"]
    else:
        del shown["samples"]
    keys = sorted(shown, key=lambda key: key != "logs") if run.status == Run.Status.FAILED else list(shown)
    return [(key, shown[key]) for key in keys]
