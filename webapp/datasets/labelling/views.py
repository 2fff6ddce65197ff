"""The page on which people label examples, one after the other."""

from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.views.decorators.http import require_GET, require_POST

from webapp.datasets.labelling import services as labelling
from webapp.datasets.lookup import dataset_or_404, version_or_404
from webapp.datasets.models import DatasetVersion
from webapp.projects.access import UserRequest, membership_or_404
from webapp.projects.models import Membership


@login_required
@require_GET
def label(request: UserRequest, pk: int) -> HttpResponse:
    """One example to label: the row asked for, or the next without a label."""
    dataset = dataset_or_404(request, pk, edit=True)
    version = version_or_404(dataset, request.GET.get("version", ""))
    column = labelling.good_column(version, request.GET.get("column", ""))
    asked = request.GET.get("row", "")
    row = int(asked) if asked.isdecimal() and len(asked) < 16 and int(asked) < version.rows else None
    context = {"dataset": dataset} | _context(version, column, row)
    return render(request, "datasets/_label.html" if request.htmx else "datasets/label.html", context)


@login_required
@require_POST
def give(request: UserRequest, pk: int) -> HttpResponse:
    """Keep a label and show the next example."""
    member, version, column = _place(request, pk)
    digits = request.POST.get("row", "")
    row = int(digits) if digits.isdecimal() and len(digits) < 16 else -1
    value = request.POST.get("other", "").strip() or request.POST.get("value", "")
    labelling.give_label(member=member, version=version, column=column, row=row, value=value)
    if not request.htmx:
        return redirect(_address(pk, version, column))
    upcoming = labelling.next_row(version, column, row + 1)
    if upcoming is None and not _missing(version, column):  # somebody goes through the rows to correct some
        upcoming = min(row + 1, version.rows - 1)
    return render(
        request, "datasets/_label.html", {"dataset": version.dataset} | _context(version, column, upcoming, given=row)
    )


@login_required
@require_POST
def save(request: UserRequest, pk: int) -> HttpResponse:
    """Make a new version with the labels that were given, or throw them away."""
    member, version, column = _place(request, pk)
    if "discard" in request.POST:
        labelling.forget_labels(version, column)
        return redirect(_address(pk, version, column))
    labelling.save_labels(member=member, version=version, column=column)
    return redirect(f"{version.dataset.get_absolute_url()}?tab=versions")


def _place(request: UserRequest, pk: int) -> tuple[Membership, DatasetVersion, str]:
    """Who labels, which version, and which column of it, as the form says."""
    dataset = dataset_or_404(request, pk)
    member = membership_or_404(request.user, dataset.project_id, edit=True)
    version = version_or_404(dataset, request.POST.get("version", ""))
    return member, version, labelling.good_column(version, request.POST.get("column", ""))


def _context(version: DatasetVersion, column: str, row: int | None, given: int | None = None) -> dict[str, Any]:
    shown = row if row is not None else labelling.next_row(version, column, 0)
    columns = labelling.columns_to_label(version)
    return {
        "version": version,
        "column": column,
        "columns": columns if column in columns else [column, *columns],
        "example": labelling.read_example(version, column, shown) if shown is not None else None,
        "labels": labelling.offered_labels(version, column),
        "given": version.labels.filter(column=column).count(),
        "last": given,
        "missing": _missing(version, column),
    }


def _missing(version: DatasetVersion, column: str) -> int:
    """Rows of the version without a label."""
    known = next((known for known in version.description["columns"] if known["name"] == column), None)
    return int(known["missing"]) if known else version.rows


def _address(pk: int, version: DatasetVersion, column: str) -> str:
    query = urlencode({"version": str(version.number), "column": column})
    return f"{reverse('dataset-label', args=[pk])}?{query}"
