"""What may come in: how large, under which name, and only where there is room."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.conf import settings
from django.utils.translation import gettext as _

from training.data.visible import visible
from webapp.core.errors import UserError
from webapp.core.templatetags.touchstone import byte_size
from webapp.datasets.models import Upload


def check_size(size: int) -> None:
    """Raise the sentence about a file that is empty or too large."""
    if size <= 0:
        raise UserError(_("The file is empty."), _("Choose another file."), code="empty")
    if size > settings.UPLOAD_LIMIT:
        words = {"size": byte_size(size), "limit": byte_size(settings.UPLOAD_LIMIT)}
        raise UserError(
            _("The file has %(size)s; at most %(limit)s can be uploaded.") % words,
            _("Upload a part of it, or ask your administrator to raise TOUCHSTONE_UPLOAD_LIMIT."),
            code="too_large",
            status=413,
        )


def check_names(files: Sequence[Upload]) -> None:
    """Raise the sentence about files that cannot lie side by side."""
    names = [upload.filename for upload in files]
    for name in names:
        if names.count(name) > 1:
            raise UserError(
                _("Two of the files are called “%(name)s”.") % {"name": name},
                _("Rename one of them."),
                code="same_name",
            )


def safe_name(filename: str) -> str:
    """The last part of a file's name, without anything that a disk or a page could stumble over."""
    name = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", visible(filename))[-1]).strip().lstrip(".")
    while len(name.encode()) > 200:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem[:-1]}{dot}{suffix}" if stem else name[:-1]
    return name or "file"


def check_room(size: int) -> None:
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.DATA_DIR).free < size:
        raise _no_room()


@contextmanager
def full_disk_in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_room() from error


def _no_room() -> UserError:
    return UserError(
        _("The server’s disk is full."),
        _("Ask your administrator to make room; then the upload goes on where it stopped."),
        code="disk_full",
        status=507,
    )
