"""The first page: what to do next, and what is going on. It stands above the apps, because it looks at all of them."""

from dataclasses import dataclass, replace

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from training.data.starters import Starter
from training.experiments import EXPERIMENTS
from webapp.core import live
from webapp.datasets import services as datasets
from webapp.datasets.models import Dataset
from webapp.projects.access import UserRequest, current_project
from webapp.projects.models import Project
from webapp.runs.folds.services import mean_headline
from webapp.runs.models import Run, RunQuerySet
from webapp.runs.pages.rows import Row, rows

RECENT = 8
LOOKED_AT = 10 * RECENT
"""Runs among which the recent ones are found: the folds of a cross-validation count once."""
BEST = 8
FIRST_EXPERIMENTS = 4
JUDGED = 1000
"""Finished runs among which the best are looked for."""
ACTIVE = [Run.Status.RUNNING, Run.Status.STOPPING, Run.Status.QUEUED]


@dataclass(frozen=True)
class Step:
    """One of the first steps."""

    title: str
    text: str
    url: str
    action: str
    done: bool
    next: bool = False
    """The first that is not done."""


@login_required
@require_GET
def home(request: UserRequest) -> HttpResponse:
    """What to do next in this project; htmx asks for what moves."""
    member = current_project(request)
    context: dict[str, object] = {"cursor": live.latest(f"project-{member.project_id}")}
    context |= _going_on(member.project)
    if request.htmx:
        return render(request, "core/_home.html", context)
    return render(request, "core/home.html", context)


def _going_on(project: Project) -> dict[str, object]:
    runs = project.runs.select_related("version__dataset", "owner")
    newcomer = project.tried is None
    return {
        "steps": first_steps(project) if newcomer else [],
        "starters": starter_cards(project) if newcomer else [],
        "experiments": EXPERIMENTS.values()[:FIRST_EXPERIMENTS] if newcomer else [],
        "has_data": project.datasets.filter(status=Dataset.Status.READY).exists(),
        "active": rows(list(runs.filter(status__in=ACTIVE).order_by("started", "queued", "pk"))),
        "recent": recent_runs(runs.exclude(status__in=ACTIVE)),
        "best": best_models(project),
    }


def starter_cards(project: Project) -> list[tuple[Starter, Dataset | None]]:
    """The starter data sets, each with the project's copy that can be learnt from."""
    ready = project.datasets.filter(status=Dataset.Status.READY, archived=None).exclude(starter="")
    copies = {dataset.starter: dataset for dataset in ready}
    return [(starter, copies.get(starter.key)) for starter in datasets.starters()]


def first_steps(project: Project) -> list[Step]:
    """The way from nothing to a model that answers, with what is done of it."""
    steps = [_bring_data(project), _train(project), _judge(project), _try(project)]
    coming = next(step for step in steps if not step.done)
    return [replace(step, next=step is coming) for step in steps]


def _bring_data(project: Project) -> Step:
    text = _("Drop a file of your own, or take one of the starter datasets.")
    done = project.datasets.filter(status=Dataset.Status.READY).exists()
    return Step(_("Bring data"), text, reverse("dataset-new"), _("Bring data"), done)


def _train(project: Project) -> Step:
    text = _("Task, columns and settings are proposed; you press Start.")
    ready = project.datasets.filter(status=Dataset.Status.READY).first()
    url = reverse("run-new") + (f"?dataset={ready.pk}" if ready else "")
    return Step(_("Train a model"), text, url, _("New run"), project.runs.exists())


def _judge(project: Project) -> Step:
    text = _("The report compares the model with a simple rule, on examples it never saw.")
    newest = project.runs.exclude(status=Run.Status.FAILED).first()
    url = newest.get_absolute_url() if newest else reverse("runs")
    done = project.runs.filter(status=Run.Status.FINISHED).exists()
    return Step(_("See whether it is gold"), text, url, _("Open the run"), done)


def _try(project: Project) -> Step:
    text = _("Give the model something new and see what it says.")
    model = project.runs.filter(status=Run.Status.FINISHED).first()
    url = reverse("playground-run", args=[model.pk]) if model else reverse("playground")
    return Step(_("Try it"), text, url, _("Open the playground"), done=project.tried is not None)


def recent_runs(ended: RunQuerySet) -> list[Row]:
    """The newest that ended; of a cross-validation the newest fold stands for all, with their mean."""
    found: dict[tuple[str, int], Run] = {}
    for run in ended.prefetch_related("cross_validation__runs")[:LOOKED_AT]:
        found.setdefault(("folds", run.cross_validation_id) if run.cross_validation_id else ("run", run.pk), run)
    return [_for_all_folds(row) for row in rows(list(found.values())[:RECENT])]


def _for_all_folds(row: Row) -> Row:
    group = row.run.cross_validation
    mean = mean_headline(group) if group else None
    return row if mean is None or row.score is None else replace(row, score=replace(row.score, value=mean))


def best_models(project: Project) -> list[Row]:
    """The best finished run of each task and dataset, the most recent first; folds are judged on too few rows."""
    finished = project.runs.filter(status=Run.Status.FINISHED, cross_validation=None).select_related("version__dataset")
    best: dict[tuple[str, int], Row] = {}
    for row in rows(list(finished[:JUDGED])):
        key = (row.run.task, row.run.version.dataset_id)
        if row.score and (key not in best or _beats(row, best[key])):
            best[key] = row
    return list(best.values())[:BEST]


def _beats(row: Row, other: Row) -> bool:
    assert row.score
    assert other.score
    if row.score.metric.higher_is_better:
        return row.score.value > other.score.value
    return row.score.value < other.score.value
