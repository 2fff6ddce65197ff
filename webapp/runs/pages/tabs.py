"""What each tab of a run's page shows."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from django.utils.translation import gettext as _
from pydantic import JsonValue

from training.tasks import TASKS
from webapp.core.templatetags.touchstone import number
from webapp.runs import services
from webapp.runs.inputs import inputs_of
from webapp.runs.models import Run
from webapp.runs.pages.charts import charts
from webapp.runs.pages.stored import spoken, stored_settings
from webapp.runs.pages.summary import confusion_rows, measure_rows

PREDICTIONS_PER_PAGE = 24
MOST_BESIDE = 6
"""Classes up to which the confusion matrix finds room beside the examples."""
MOST_NOTES = 500
MOST_SAMPLES = 100


Context: TypeAlias = dict[str, Any]


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
