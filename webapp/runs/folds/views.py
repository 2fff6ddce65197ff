"""The page of a cross-validation: its folds, and what they say together."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_GET, require_POST

from webapp.core import live
from webapp.projects.access import UserRequest, membership_or_404
from webapp.runs.folds import services as folds
from webapp.runs.folds.compared import rivals
from webapp.runs.models import CrossValidation
from webapp.runs.pages.rows import rows


@login_required
@require_GET
def show_folds(request: UserRequest, pk: int) -> HttpResponse:
    """Mean and spread of every measure, and each fold's run; htmx asks for the content alone."""
    group = get_object_or_404(CrossValidation.objects.filter(project__memberships__user=request.user), pk=pk)
    cursor = live.latest(f"project-{group.project_id}")
    runs = folds.runs_of(group)
    measures = folds.measure_folds(runs)
    context = {
        "group": group,
        "member": membership_or_404(request.user, group.project_id),
        "measures": measures,
        "table": [
            (row, [(measure.metric, measure.values[place]) for measure in measures])
            for place, row in enumerate(rows(runs))
        ],
        "first": runs[0] if runs else None,
        "is_active": any(run.is_active for run in runs),
        "rivals": rivals(group),
        "compared": ",".join(str(run.pk) for run in runs),
        "cursor": cursor,
    }
    return render(request, "runs/_folds.html" if request.htmx else "runs/folds.html", context)


@login_required
@require_POST
def stop_folds(request: UserRequest, pk: int) -> HttpResponse:
    """Stop what waits or trains; what is finished stays."""
    group = get_object_or_404(CrossValidation.objects.filter(project__memberships__user=request.user), pk=pk)
    membership_or_404(request.user, group.project_id, edit=True)
    folds.stop_folds(group)
    return redirect(group)
