"""The pages of starter experiments: the mathematics beside the curve."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_GET, require_POST
from django_htmx.http import HttpResponseClientRedirect

from training.experiments import EXPERIMENTS, Experiment
from webapp.core import live
from webapp.projects.access import UserRequest, current_project, require_editor
from webapp.runs.experiments import services as experiments
from webapp.runs.pages.rows import palette_number


@login_required
@require_GET
def show_experiment(request: UserRequest, key: str) -> HttpResponse:
    """What it shows, what to expect, and the curve of its newest run; htmx asks for the outcome alone."""
    member = current_project(request)
    attempt = experiments.attempt(member.project, _experiment(key))
    context = {"member": member, "attempt": attempt, "experiment": attempt.experiment, "run": attempt.run}
    if attempt.run:
        context |= {"palette": palette_number(attempt.run.pk), "cursor": live.latest(f"run-{attempt.run.pk}")}
    return render(request, "runs/_experiment_outcome.html" if request.htmx else "runs/experiment.html", context)


@login_required
@require_POST
def start_experiment(request: UserRequest, key: str) -> HttpResponse:
    """Queue a run of it and show it; while its data is on the way the button says so and asks again."""
    member = current_project(request)
    require_editor(member)
    experiment = _experiment(key)
    if experiments.begin(member=member, experiment=experiment) is None:
        return render(request, "runs/_experiment_waiting.html", {"experiment": experiment})
    return HttpResponseClientRedirect(reverse("experiment", args=[key]))


def _experiment(key: str) -> type[Experiment]:
    if key not in EXPERIMENTS:
        raise Http404
    return EXPERIMENTS[key]
