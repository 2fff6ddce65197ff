"""Making, comparing and deleting versions of a data set."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from webapp.datasets.lookup import dataset_or_404, version_or_404
from webapp.datasets.versions import difference
from webapp.datasets.versions import services as versions
from webapp.projects.access import UserRequest, membership_or_404


@login_required
@require_POST
def revise(request: UserRequest, pk: int, number: int) -> HttpResponse:
    """Make a new version with the remedies of the chosen findings."""
    dataset = dataset_or_404(request, pk)
    member = membership_or_404(request.user, dataset.project_id, edit=True)
    places = [int(place) - 1 for place in request.POST.getlist("finding") if place.isdecimal() and len(place) < 6]
    versions.apply_findings(member=member, version=version_or_404(dataset, number), findings=places)
    return redirect(f"{dataset.get_absolute_url()}?tab=versions")


@login_required
@require_POST
def read_sheet(request: UserRequest, pk: int, number: int) -> HttpResponse:
    """Make a new version of another sheet of the workbook."""
    dataset = dataset_or_404(request, pk)
    member = membership_or_404(request.user, dataset.project_id, edit=True)
    version = version_or_404(dataset, number)
    versions.read_sheet(member=member, version=version, sheet=request.POST.get("sheet", ""))
    return redirect(f"{dataset.get_absolute_url()}?tab=versions")


@login_required
@require_GET
def compare(request: UserRequest, pk: int, number: int) -> HttpResponse:
    """What is different between this version and another one: by default the one that it was made of."""
    dataset = dataset_or_404(request, pk)
    after = version_or_404(dataset, number)
    others = list(dataset.versions.exclude(pk=after.pk).order_by("-number"))
    before = version_or_404(dataset, request.GET.get("with") or difference.number_before(after))
    context: dict[str, Any] = {"dataset": dataset, "before": before, "after": after, "others": others}
    context["comparison"] = difference.compare(before, after)
    return render(request, "datasets/compare.html", context)


@login_required
@require_POST
def delete_version(request: UserRequest, pk: int, number: int) -> HttpResponse:
    """Forget a version that no run used."""
    dataset = dataset_or_404(request, pk, edit=True)
    versions.delete_version(version_or_404(dataset, number))
    messages.success(request, _("Version %(number)d is deleted.") % {"number": number})
    return redirect(f"{dataset.get_absolute_url()}?tab=versions")
