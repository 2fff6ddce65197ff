"""Pages that belong to no app: the catalog, and the page of styles for those who build pages."""

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from training.architectures import ARCHITECTURES, architectures_for
from training.experiments import EXPERIMENTS
from training.recipes import Recipe
from training.reference import setting_rows
from training.spec import heeded_fields
from training.tasks import TASKS
from webapp.core.catalog import architecture_entry, read_catalog, task_entry
from webapp.core.templatetags.touchstone import STATES


@login_required
def catalog(request: HttpRequest) -> HttpResponse:
    """Everything that can be learnt, and everything that can learn it."""
    return render(request, "core/catalog.html", {"catalog": read_catalog(), "experiments": EXPERIMENTS.values()})


@login_required
def task(request: HttpRequest, key: str) -> HttpResponse:
    """One task: what it is for, what it needs and how it is measured."""
    if key not in TASKS:
        raise Http404
    context = {
        "task": task_entry(TASKS[key]),
        "architectures": [architecture_entry(architecture) for architecture in architectures_for(key)],
    }
    return render(request, "core/task.html", context)


@login_required
def architecture(request: HttpRequest, key: str) -> HttpResponse:
    """One architecture: what it is good for, its settings and its paper."""
    if key not in ARCHITECTURES:
        raise Http404
    kind = ARCHITECTURES[key]
    heeded = set[str]().union(*(heeded_fields(TASKS[task], kind) for task in kind.tasks))
    context = {
        "architecture": architecture_entry(kind),
        "settings": setting_rows(kind),
        "recipe": [row for row in setting_rows(Recipe) if row.name in heeded],
    }
    return render(request, "core/architecture.html", context)


def styleguide(request: HttpRequest) -> HttpResponse:
    """Every class of docs/style.md on one page."""
    return render(request, "core/styleguide.html", {"states": STATES})
