"""The pages of runs: who may, which row, one call, one answer."""

from __future__ import annotations

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from webapp.core import live
from webapp.datasets.models import Dataset
from webapp.projects.access import UserRequest, current_project, membership_or_404, require_editor
from webapp.projects.models import Membership
from webapp.runs import lifecycle, services
from webapp.runs.comparing import page as comparing
from webapp.runs.comparing.compare import compare
from webapp.runs.drafting.new_run import NewRun
from webapp.runs.folds import services as folds
from webapp.runs.models import Run
from webapp.runs.pages import queue, tabs
from webapp.runs.pages.again import changed_choices
from webapp.runs.pages.header import header
from webapp.runs.pages.listing import RunListing
from webapp.runs.pages.rows import rows
from webapp.runs.pages.to_beat import to_beat

MOST_COMPARED = 10
CANDIDATES = 50


@login_required
def list_runs(request: UserRequest) -> HttpResponse:
    """The project's runs; htmx asks for the table alone."""
    member = current_project(request)
    cursor = live.latest(f"project-{member.project_id}")
    listing = RunListing(member.project, request.GET)
    page = "runs/_table.html" if _wanted(request) == "runs-table" else "runs/runs.html"
    shown = rows(list(listing.page.object_list))
    return render(request, page, {"listing": listing, "rows": shown, "member": member, "cursor": cursor})


@login_required
def new_run(request: UserRequest) -> HttpResponse:
    """Choose data, task, architecture and settings on one page, and start."""
    choices = request.POST if request.method == "POST" else request.GET
    draft = NewRun(member=_seat_for(request, choices), data=choices)
    if request.method == "POST":
        return _start(request, draft)
    return render(request, _new_run_piece(request), _new_run_context(draft))


def _seat_for(request: UserRequest, choices: QueryDict) -> Membership:
    """The person's seat where the data set lies, which may be another project than the current one."""
    asked = choices.get("dataset", "")
    if not asked.isdigit():
        return current_project(request)
    dataset = get_object_or_404(Dataset.objects.visible_to(request.user), pk=int(asked))
    return membership_or_404(request.user, dataset.project_id)


def _new_run_piece(request: HttpRequest) -> str:
    return {"boxes": "runs/_update.html", "ready": "runs/_ready.html"}.get(_wanted(request), "runs/new.html")


def _new_run_context(draft: NewRun) -> dict[str, Any]:
    guess = to_beat(draft.description, draft.spec) if draft.spec and draft.description else None
    return {"draft": draft, "to_beat": guess, "member": draft.member}


def _start(request: UserRequest, draft: NewRun) -> HttpResponse:
    require_editor(draft.member)
    if draft.missing or draft.spec is None or draft.version is None:
        return render(request, "runs/new.html", _new_run_context(draft), status=422)
    start = partial(folds.queue_folds, folds=draft.folds) if draft.folds else services.queue_run
    return redirect(start(member=draft.member, version=draft.version, spec=draft.spec, name=draft.name))


@login_required
def show_run(request: UserRequest, pk: int) -> HttpResponse:
    """One run; htmx asks for its header, for one tab, or for the log alone."""
    run = _visible(request, pk)
    cursor = live.latest(f"run-{run.pk}")
    run.refresh_from_db()
    tab = _tab(request, run)
    member = membership_or_404(request.user, run.project_id)
    context = {"run": run, "member": member, "tab": tab, "tabs": tabs.titles(run), "cursor": cursor}
    context |= header(run) | tabs.TABS[tab](run)
    if tab == "predictions":
        context |= _chosen_predictions(request, run)
    return render(request, _run_piece(request), context)


def _run_piece(request: HttpRequest) -> str:
    pieces = {
        "run-header": "runs/_header.html",
        "run-tabs": "runs/_tabs.html",
        "run-tab": "runs/_tab.html",
        "run-notes": "runs/_notes.html",
    }
    return pieces.get(_wanted(request), "runs/run.html")


def _tab(request: HttpRequest, run: Run) -> str:
    """The tab asked for, else the one that answers the question of the hour."""
    if (asked := request.GET.get("tab", "")) in tabs.TABS:
        return asked
    return {Run.Status.FAILED: "logs", Run.Status.FINISHED: "summary"}.get(Run.Status(run.status), "charts")


@login_required
def show_predictions(request: UserRequest, pk: int) -> HttpResponse:
    """A page of held-out examples, hardest first, that fit the chosen cell of the confusion matrix."""
    run = _visible(request, pk)
    return render(request, "runs/_predictions.html", {"run": run} | _chosen_predictions(request, run))


def _chosen_predictions(request: HttpRequest, run: Run) -> dict[str, Any]:
    query = request.GET
    offset = query.get("offset", "")
    return tabs.predictions(
        run,
        truth=query.get("truth", ""),
        prediction=query.get("prediction", ""),
        wrong="wrong" in query,
        offset=int(offset) if offset.isdigit() else 0,
    )


@login_required
@require_POST
def stop_run(request: UserRequest, pk: int) -> HttpResponse:
    """Stop and keep, or stop and discard."""
    run = _editable(request, pk)
    lifecycle.ask_to_stop(run, keep=request.POST.get("keep") == "1")
    return _back(request, run)


@login_required
@require_POST
def resume_run(request: UserRequest, pk: int) -> HttpResponse:
    """Go on from the checkpoint."""
    return redirect(services.resume_run(_editable(request, pk)))


@login_required
@require_POST
def retry_run(request: UserRequest, pk: int) -> HttpResponse:
    """Queue the run once more with the changes that its failure proposed."""
    run = _editable(request, pk)
    spec = services.propose_spec(run.version, **changed_choices(run, run.error.get("remedy") or {}))
    member = membership_or_404(request.user, run.project_id)
    return redirect(services.queue_run(member=member, version=run.version, spec=spec))


@login_required
@require_POST
def rename_run(request: UserRequest, pk: int) -> HttpResponse:
    """Rename in place; an empty name leaves the old one."""
    run = _editable(request, pk)
    if name := request.POST.get("name", "").strip():
        run = services.rename_run(run, name)
    return render(request, "runs/_name.html", {"run": run, "member": membership_or_404(request.user, run.project_id)})


@login_required
@require_POST
def delete_run(request: UserRequest, pk: int) -> HttpResponse:
    """Forget a run with its files."""
    run = _editable(request, pk)
    services.delete_run(run)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": run.name})
    return redirect("runs")


@login_required
def compare_runs(request: UserRequest) -> HttpResponse:
    """Some runs side by side; without a choice, the runs to choose from."""
    member = current_project(request)
    chosen = _chosen_runs(request)
    if len(chosen) < 2 or "change" in request.GET:
        candidates = Run.objects.filter(project=member.project).select_related("version__dataset", "owner")[:CANDIDATES]
        return render(request, "runs/compare_pick.html", {"rows": rows(list(candidates)), "chosen": chosen})
    return render(request, "runs/compare.html", comparing.comparison(chosen, compare(chosen)))


def _chosen_runs(request: UserRequest) -> list[Run]:
    """The runs of `?runs=1,2,3`, in that order; those of other projects do not exist."""
    asked = [int(part) for text in request.GET.getlist("runs") for part in text.split(",") if part.strip().isdigit()]
    found = Run.objects.visible_to(request.user).select_related("version__dataset", "owner").in_bulk(asked)
    return [found[pk] for pk in dict.fromkeys(asked) if pk in found][:MOST_COMPARED]


@login_required
def show_queue(request: UserRequest) -> HttpResponse:
    """What runs, what waits, and who is next; htmx asks for the lists alone."""
    member = current_project(request)
    page = "runs/_queue.html" if _wanted(request) == "queue" else "runs/queue.html"
    cursor = live.latest(f"project-{member.project_id}")
    return render(request, page, queue.overview(request.user) | {"member": member, "cursor": cursor})


def _wanted(request: HttpRequest) -> str:
    """The id of the element that htmx wants to fill; empty for a whole page."""
    return request.headers.get("HX-Target", "")


def _visible(request: UserRequest, pk: int) -> Run:
    runs = Run.objects.visible_to(request.user).select_related("version__dataset", "owner", "project")
    return get_object_or_404(runs, pk=pk)


def _editable(request: UserRequest, pk: int) -> Run:
    """The run, if the person may change it: 404 for strangers, 403 with a sentence for viewers."""
    run = _visible(request, pk)
    membership_or_404(request.user, run.project_id, edit=True)
    return run


def _back(request: HttpRequest, run: Run) -> HttpResponse:
    if request.POST.get("next") == "queue":
        return redirect("queue")
    return redirect(run)
