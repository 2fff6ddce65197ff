"""Pages of data sets."""

from collections.abc import Callable
from typing import Any, get_args
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from training.data.roles import usual_split
from training.data.schema import DataKind, Description, Finding
from training.tasks import TASKS
from webapp.core import live
from webapp.core.downloads import send_chunks, send_file
from webapp.core.errors import UserError
from webapp.core.storage import local_folder
from webapp.datasets import choices, preview, services
from webapp.datasets.dividing import read_division, ways
from webapp.datasets.exports import csv_chunks
from webapp.datasets.listing import list_datasets, read_filters, tags_of, unfinished_uploads
from webapp.datasets.lookup import dataset_or_404, version_or_404
from webapp.datasets.media import send_media
from webapp.datasets.models import Dataset, DatasetVersion, Revision
from webapp.datasets.preview import Page
from webapp.datasets.profiles import profile
from webapp.datasets.quota import used_bytes
from webapp.projects.access import UserRequest, current_project, membership_or_404
from webapp.projects.models import Project

PROFILES = 60
"""Cards of columns on one page."""


@login_required
@require_GET
def datasets(request: UserRequest) -> HttpResponse:
    """The project's data sets."""
    member = current_project(request)
    filters = read_filters(request.GET)
    context: dict[str, Any] = {
        "filters": filters,
        "page": list_datasets(member.project, filters, request.GET.get("page", "1")),
        "after": live.latest(f"project-{member.project_id}"),
        "statuses": Dataset.Status.choices,
        "kinds": get_args(DataKind),
        "tags": tags_of(member.project),
        "archived_count": member.project.datasets.exclude(archived=None).count(),
        "tasks": TASKS.values(),
    }
    if request.htmx:
        return render(request, "datasets/_list.html", context)
    return render(request, "datasets/datasets.html", context | _ways_in(request))


@login_required
@require_GET
def new(request: UserRequest) -> HttpResponse:
    """Ways in: drop a file, or take a starter."""
    return render(request, "datasets/new.html", _ways_in(request))


@login_required
@require_POST
def add_starter(request: UserRequest, key: str) -> HttpResponse:
    """Make a data set of one that ships with the product."""
    return redirect(services.add_starter(member=current_project(request), key=key))


@login_required
@require_GET
def dataset(request: UserRequest, pk: int) -> HttpResponse:
    """One data set: how its import goes, why it failed, or what is in it."""
    cursor = live.latest(f"dataset-{pk}")
    found = dataset_or_404(request, pk)
    seat = membership_or_404(request.user, found.project_id)
    context = {"dataset": found, "can_edit": seat.can_edit, "after": cursor}
    if found.status != Dataset.Status.READY:
        return render(request, f"datasets/{found.status}.html", context | _room(seat.project))
    version = version_or_404(found, request.GET.get("version", ""))
    tab = request.GET.get("tab", "preview")
    if tab not in TABS:
        raise Http404
    newest = version_or_404(found)
    older = version.number < newest.number
    context |= {
        "version": version,
        "newest": newest,
        "older": older,
        "at": f"version={version.number}&" if older else "",
    }
    context |= {"description": version.describe(), "tab": tab}
    context |= TABS[tab](request, context)
    if request.htmx:
        return _piece(request, context)
    return render(request, "datasets/dataset.html", context)


@login_required
@require_GET
def use(request: UserRequest, pk: int) -> HttpResponse:
    """Go on to *New run* with the task and roles that are chosen in the preview."""
    found = dataset_or_404(request, pk)
    description = version_or_404(found).describe()
    choice = choices.read_choice(description, request.GET)
    if choice is None:
        raise UserError(_("Nothing can be learnt from this data."), _("Add a column and upload the file again."))
    if choice.state == "choose":
        raise UserError(choice.reason, choice.hint)
    division = {name: request.GET[name] for name in ("split-how", "split-column") if request.GET.get(name)}
    usual = usual_split(description, choice.task.key, choice.roles)
    if (division.get("split-how", usual.how), division.get("split-column", "")) == (usual.how, usual.column):
        division = {}
    chosen = "&".join(filter(None, [choice.query(), urlencode(division)]))
    return redirect(f"{reverse('run-new')}?dataset={found.pk}&{chosen}")


@login_required
@require_POST
def rename(request: UserRequest, pk: int) -> HttpResponse:
    """Give the data set another name."""
    found = dataset_or_404(request, pk, edit=True)
    services.rename_dataset(found, request.POST.get("name", ""))
    return render(request, "datasets/_name.html", {"dataset": found, "can_edit": True})


@login_required
@require_POST
def describe(request: UserRequest, pk: int) -> HttpResponse:
    """Say what the data is."""
    found = dataset_or_404(request, pk, edit=True)
    services.describe_dataset(found, request.POST.get("about", ""))
    return render(request, "datasets/_about.html", {"dataset": found, "can_edit": True})


@login_required
@require_POST
def tag(request: UserRequest, pk: int) -> HttpResponse:
    """Say by which words the data is found, separated by commas."""
    found = dataset_or_404(request, pk, edit=True)
    services.tag_dataset(found, request.POST.get("tags", "").split(","))
    return render(request, "datasets/_tags.html", {"dataset": found, "can_edit": True})


@login_required
@require_POST
def archive(request: UserRequest, pk: int) -> HttpResponse:
    """Put a data set out of the way, or bring it back."""
    found = dataset_or_404(request, pk, edit=True)
    if "restore" in request.POST:
        services.restore_dataset(found)
        messages.success(request, _("“%(name)s” is back in the list.") % {"name": found.name})
    else:
        services.archive_dataset(found)
        messages.success(request, _("“%(name)s” is archived; its runs keep it.") % {"name": found.name})
    return redirect(found)


@login_required
@require_POST
def delete(request: UserRequest, pk: int) -> HttpResponse:
    """Forget a data set that no run used."""
    found = dataset_or_404(request, pk, edit=True)
    services.delete_dataset(found)
    messages.success(request, _("“%(name)s” is deleted.") % {"name": found.name})
    return redirect("datasets")


@login_required
@require_GET
def cell(request: UserRequest, pk: int, row: int, column: int) -> HttpResponse:
    """A picture's or a sound's bytes, or the whole of what the preview cuts."""
    version = version_or_404(dataset_or_404(request, pk), request.GET.get("version", ""))
    known = version.description["columns"]
    if column >= len(known) or row >= version.rows:
        raise Http404
    if known[column]["type"] not in ("image", "audio"):
        return render(request, "datasets/_cell_whole.html", {"cell": preview.whole_cell(version, row, column)})
    try:
        data = preview.read_bytes(version, row, known[column]["name"])
    except IndexError as error:
        raise Http404 from error
    return send_media(request, data)


@login_required
@require_GET
def original(request: UserRequest, pk: int) -> HttpResponseBase:
    """A file as it was brought; `file` counts them from 1."""
    found = dataset_or_404(request, pk)
    place = _number(request, "file") or 1
    if place > len(found.filenames):
        raise Http404
    filename = found.filenames[place - 1]
    return _sent(lambda: send_file(f"{found.source}/{filename}", filename=filename))


@login_required
@require_GET
def parquet(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """One version as Parquet."""
    found = dataset_or_404(request, pk)
    version = version_or_404(found, str(number))
    name = f"{version.folder}/data.parquet"
    return _sent(
        lambda: send_file(name, filename=f"{found.name}.parquet", content_type="application/vnd.apache.parquet")
    )


@login_required
@require_GET
def csv(request: UserRequest, pk: int, number: int) -> HttpResponseBase:
    """One version as CSV for spreadsheets."""
    found = dataset_or_404(request, pk)
    version = version_or_404(found, str(number))
    chunks = csv_chunks(local_folder(version.folder) / "data.parquet", parts=bool(version.description["parts"]))
    return send_chunks(chunks, filename=f"{found.name}.csv", content_type="text/csv; charset=utf-8")


@login_required
async def events(request: UserRequest, pk: int) -> StreamingHttpResponse:
    """News of one import."""
    found = await sync_to_async(dataset_or_404)(request, pk)
    return await live.event_stream(request, found.channel)


@login_required
async def list_events(request: UserRequest) -> StreamingHttpResponse:
    """News of the project's lists."""
    member = await sync_to_async(current_project)(request)
    return await live.event_stream(request, f"project-{member.project_id}")


def _ways_in(request: UserRequest) -> dict[str, Any]:
    member = current_project(request)
    return {
        "starters": services.starters(),
        "unfinished": unfinished_uploads(member.project, member.user),
        "can_edit": member.can_edit,
    } | _room(member.project)


def _room(project: Project) -> dict[str, int]:
    return {"limit": settings.UPLOAD_LIMIT, "quota": settings.PROJECT_QUOTA, "used_bytes": used_bytes(project)}


def _preview(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    version, description = context["version"], context["description"]
    changed = (request.htmx.trigger_name or "") if request.htmx else ""
    choice = choices.read_choice(description, request.GET, changed=changed)
    page, finding = _page(request, version, description)
    shown = {number for number, _column in page.columns}
    differences = choices.differences(description, choice) if choice else {}
    return {
        "choice": choice,
        "division": read_division(version, description, choice, request.GET),
        "ways": ways(description),
        "page": page,
        "finding": finding,
        "gallery": preview.is_gallery(description),
        "tasks": choices.possible_tasks(description),
        "headers": [
            (number, column, choices.fitting_roles(choice.task, column), choice.role_of(column.name))
            for number, column in page.columns
        ]
        if choice
        else [],
        "elsewhere": {number: key for number, key in differences.items() if number not in shown},
        "differences": differences,
    }


def _page(request: UserRequest, version: DatasetVersion, description: Description) -> tuple[Page, Finding | None]:
    """The rows to show: a page of all of them, or those that a finding is about."""
    column, place = _number(request, "column"), _number(request, "finding") - 1
    if not 0 <= place < len(description.quality):
        return preview.read_page(version, description, first=_number(request, "row"), first_column=column), None
    finding = description.quality[place]
    return preview.pick_page(version, description, finding.rows, first_column=column), finding


def _columns(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    description, words = context["description"], request.GET.get("q", "").strip().lower()
    found = [(n, column) for n, column in enumerate(description.columns) if words in column.name.lower()]
    first = min(_number(request, "column"), len(found))
    shown = found[first : first + PROFILES]
    return {
        "profiles": [profile(number, column, description.rows) for number, column in shown],
        "found": len(found),
        "first": first,
        "later": first + PROFILES if first + PROFILES < len(found) else None,
        "earlier": max(0, first - PROFILES) if first else None,
        "words": words,
    }


def _quality(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    findings = context["description"].quality
    return {"findings": findings, "fixable": [finding for finding in findings if finding.fix]}


def _versions(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    dataset = context["dataset"]
    made = Revision.objects.select_related("owner", "base", "version").filter(dataset=dataset)
    newest = max((known.created for known in dataset.versions.all()), default=dataset.created)
    return {
        "versions": dataset.versions.select_related("revision__owner", "revision__base").order_by("-number"),
        "making": [revision for revision in made if revision.status == Revision.Status.MAKING],
        "failed": [known for known in made if known.status == Revision.Status.FAILED and known.created > newest],
    }


def _runs(request: UserRequest, context: dict[str, Any]) -> dict[str, Any]:
    versions = context["dataset"].versions.prefetch_related("runs__owner", "runs__version")
    used = [run for version in versions for run in version.runs.all()]
    return {"used": sorted(used, key=lambda run: run.created, reverse=True)}


def _piece(request: UserRequest, context: dict[str, Any]) -> HttpResponse:
    """The preview alone, with an address that brings the same choice back."""
    answer = render(request, "datasets/_preview.html", context | {"swapped": True})
    page, choice = context["page"], context["choice"]
    state = {"task": choice.task.key} if choice else {}
    state |= {f"use.{number}": key for number, key in context["differences"].items()}
    state |= {"row": page.first} if page.first else {}
    state |= context["division"].query
    state |= {"finding": request.GET["finding"]} if context["finding"] else {}
    state |= {"version": request.GET["version"]} if request.GET.get("version") else {}
    state |= {"column": page.first_column} if page.first_column else {}
    answer["HX-Replace-Url"] = f"{request.path}?{urlencode(state)}"
    return answer


TABS = {"preview": _preview, "columns": _columns, "quality": _quality, "versions": _versions, "runs": _runs}


def _number(request: UserRequest, name: str) -> int:
    digits = request.GET.get(name, "")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else 0


def _sent(send: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        return send()
    except FileNotFoundError as error:
        raise Http404 from error
