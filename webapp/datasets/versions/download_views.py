"""The bytes of a data set: a cell's picture, sound or whole text, the files as they were brought, and its versions."""

from collections.abc import Callable

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.views.decorators.http import require_GET

from webapp.core import apart
from webapp.core.downloads import send_chunks, send_file
from webapp.core.storage import local_folder
from webapp.datasets.lookup import dataset_or_404, version_or_404
from webapp.datasets.pages import preview
from webapp.datasets.pages.media import send_media
from webapp.datasets.pages.tabs import number_in
from webapp.datasets.versions.exports import csv_chunks
from webapp.projects.access import UserRequest

MOST_ASIDE = 200
"""Rows that could not be read which their page shows."""


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
    place = number_in(request, "file") or 1
    if place > len(found.filenames):
        raise Http404
    filename = found.filenames[place - 1]
    return _sent(lambda: send_file(f"{found.source}/{filename}", filename=filename))


@login_required
@require_GET
def set_aside(request: UserRequest, pk: int, number: int) -> HttpResponse:
    """The rows that could not be read, with their lines and the reasons."""
    found = dataset_or_404(request, pk)
    version = version_or_404(found, number)
    rows = apart.run("training.data.preview:read_aside", local_folder(version.folder), MOST_ASIDE)
    context = {"dataset": found, "version": version, "rows": rows, "count": version.describe().set_aside}
    several = len({row["source"] for row in rows}) > 1
    return render(request, "datasets/aside.html", context | {"several": several})


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


def _sent(send: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    try:
        return send()
    except FileNotFoundError as error:
        raise Http404 from error
