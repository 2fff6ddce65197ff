"""The upload protocol: start or go on, send chunks, finish. Answers are JSON."""

from collections.abc import Iterator
from contextlib import suppress
from uuid import UUID

from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_http_methods, require_POST

from webapp.core import apart
from webapp.core.bodies import SenderGone, blocks_of
from webapp.core.errors import UserError, error_body
from webapp.datasets import services
from webapp.datasets.models import Upload
from webapp.datasets.uploading import uploads
from webapp.datasets.uploading.arrived import WrongOffset
from webapp.projects.access import UserRequest, current_project


@login_required
@require_POST
def start(request: UserRequest) -> JsonResponse:
    """Begin a file or go on with it: where to send chunks, how large they are, and how much is there."""
    apart.prepare("training.data.glance")  # the first rows are asked for as soon as the last byte is here
    upload = uploads.start_upload(
        member=current_project(request),
        filename=request.POST.get("filename", ""),
        size=_number(request.POST.get("size", "")),
        fingerprint=request.POST.get("fingerprint", "")[:400],
    )
    place = {"id": str(upload.pk), "url": reverse("upload", args=[upload.pk]), "finish": reverse("upload-finish")}
    return JsonResponse(place | {"received": upload.received, "chunk": settings.UPLOAD_CHUNK})


@login_required
@require_http_methods(["PUT", "DELETE"])
def upload(request: UserRequest, pk: UUID) -> HttpResponse:
    """Take one chunk (`Upload-Offset`, `Upload-Checksum`, raw body), or forget the file."""
    mine = _mine(request, pk)
    if request.method == "DELETE":
        uploads.drop_upload(mine)
        return HttpResponse(status=204)
    blocks = blocks_of(request)
    try:
        received = uploads.write_chunk(
            mine,
            offset=_number(request.headers.get("Upload-Offset", "")),
            blocks=blocks,
            checksum=request.headers.get("Upload-Checksum", ""),
        )
    except WrongOffset as error:
        return _go_on_there(error)
    except SenderGone:
        return HttpResponse(status=400)  # nobody reads it
    finally:
        _let_pass(blocks)
    return JsonResponse({"received": received})


@login_required
@require_POST
def finish(request: UserRequest) -> JsonResponse:
    """Make one data set of complete files, named by the ids of their uploads; a `checksum` for each is compared."""
    files = [_mine(request, pk) for pk in _ids(request.POST.getlist("upload"))]
    try:
        dataset = services.finish_uploads(files, checksums=request.POST.getlist("checksum"))
    except WrongOffset as error:
        return _go_on_there(error)
    return JsonResponse({"id": dataset.pk, "url": dataset.get_absolute_url()}, status=201)


def _ids(words: list[str]) -> list[UUID]:
    try:
        ids = [UUID(word) for word in words]
    except ValueError:
        ids = []
    if not ids:
        raise UserError(_("No file is named."), _("Send the id of each upload as “upload”."), code="no_upload")
    return ids


def _mine(request: UserRequest, pk: UUID) -> Upload:
    return get_object_or_404(Upload, pk=pk, owner=request.user, project__memberships__user=request.user)


def _let_pass(blocks: Iterator[bytes]) -> None:
    """Take in what is left of a body that was refused: a browser reads no answer before it has sent everything."""
    with suppress(SenderGone):
        for _block in blocks:
            pass


def _go_on_there(error: WrongOffset) -> JsonResponse:
    body = error_body(error.code, error.message, error.hint)
    return JsonResponse(body | {"received": error.received}, status=error.status)


def _number(digits: str) -> int:
    if not digits.isascii() or not digits.isdigit() or len(digits) > 18:
        raise UserError(_("A size or an offset is missing."), _("Send it as a whole number of bytes."))
    return int(digits)
