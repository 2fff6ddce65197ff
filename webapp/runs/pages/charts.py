"""What the charts must know beside their points: titles, units, baselines and checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from training.tasks import TASKS, Metric
from webapp.runs import services
from webapp.runs.curves import series
from webapp.runs.models import Run
from webapp.runs.pages.to_beat import to_beat

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


def charts(run: Run) -> dict[str, Any]:
    """What board.js must know beside the points: titles, units, baselines and checkpoints."""
    checkpoints = run.notes.filter(kind="checkpoint").values_list("step", flat=True)
    config = chart_words(TASKS[run.task].metrics) | {
        "splits": {"train": _("Training"), "val": _("Held-out data"), "system": _("Machine")},
        "baselines": _baselines(run),
        "checkpoints": list(checkpoints),
        "epochs": run.spec["recipe"]["epochs"],
    }
    return {"config": config, "curve_names": series.names(run), "axes": AXES}


def chart_words(metrics: Iterable[Metric]) -> dict[str, Any]:
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
