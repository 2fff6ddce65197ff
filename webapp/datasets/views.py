"""Pages of data sets."""

from contextlib import suppress
from typing import Any, get_args
from urllib.parse import urlencode

from asgiref.sync import sync_to_async
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from training.data.roles import usual_split
from training.data.schema import DataKind
from training.errors import TrainingError
from training.tasks import TASKS
from webapp.core import apart, live, storage
from webapp.core.errors import UserError
from webapp.datasets import services
from webapp.datasets.lookup import dataset_or_404, version_or_404
from webapp.datasets.models import Dataset
from webapp.datasets.pages import choices
from webapp.datasets.pages.listing import list_datasets, read_filters, tags_of, unfinished_uploads
from webapp.datasets.pages.tabs import TABS, piece
from webapp.datasets.uploading.quota import room
from webapp.projects.access import UserRequest, current_project, membership_or_404


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
@require_POST
def add_from_hub(request: UserRequest) -> HttpResponse:
    """Make a data set of one on the Hugging Face Hub."""
    asked = {name: request.POST.get(name, "") for name in ("repository", "subset", "split")}
    return redirect(services.add_from_hub(member=current_project(request), **asked))


@login_required
@require_GET
def dataset(request: UserRequest, pk: int) -> HttpResponse:
    """One data set: how its import goes, why it failed, or what is in it."""
    cursor = live.latest(f"dataset-{pk}")
    found = dataset_or_404(request, pk)
    seat = membership_or_404(request.user, found.project_id)
    context = {"dataset": found, "can_edit": seat.can_edit, "after": cursor}
    if found.status != Dataset.Status.READY:
        return render(request, f"datasets/{found.status}.html", context | room(seat.project))
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
        return piece(request, context)
    return render(request, "datasets/dataset.html", context)


@login_required
@require_GET
def glance(request: UserRequest, pk: int) -> HttpResponse:
    """The first rows of a file whose import goes on; nothing where they would have to be fetched or unpacked first."""
    found = dataset_or_404(request, pk)
    shown = None
    if found.status == Dataset.Status.IMPORTING and found.original_bytes and not storage.is_shared():
        path = storage.local_file(f"{found.source}/{found.filename}")
        with suppress(TrainingError):  # the import says in a moment what is wrong
            shown = apart.run("training.data.glance:shown_rows", path, found.filename)
    return render(request, "datasets/_glance.html", {"shown": shown, "dataset": found})


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
    } | room(member.project)
