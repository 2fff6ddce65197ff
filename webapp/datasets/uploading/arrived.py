"""Where the bytes of an upload lie until it is complete, and how many of them count.

They lie in a folder of this machine. Where storage is shared by several machines, each chunk is put there too, and a
machine that lacks one fetches it.
"""

from __future__ import annotations

import fcntl
import io
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from django.conf import settings
from django.utils.translation import gettext as _

from webapp.core import storage
from webapp.core.errors import UserError
from webapp.datasets.models import Upload


class WrongOffset(UserError):
    """The chunk does not begin where the file on the server ends; `received` says where that is."""

    def __init__(self, received: int) -> None:
        message = _("The server has the first %(received)d bytes.") % {"received": received}
        super().__init__(message, _("Go on from there."), code="wrong_offset", status=409)
        self.received = received


def received_bytes(upload: Upload) -> int:
    """How many bytes are safe: a worker that died while writing left some that nobody has checked."""
    upload.refresh_from_db(fields=["received"])
    path = folder_of(upload) / upload.filename
    here = path.stat().st_size if path.exists() else 0
    if here < upload.received and storage.is_shared():
        here = _fetch(upload, path, here)
    return min(upload.received, here)


@contextmanager
def locked(upload: Upload) -> Iterator[Path]:
    """The upload's folder, for one request at a time on this machine."""
    folder = folder_of(upload)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    except BlockingIOError as error:
        raise WrongOffset(received_bytes(upload)) from error
    finally:
        os.close(handle)


def share(upload: Upload, path: Path, offset: int, end: int) -> None:
    """Put a chunk where other machines find it, because the next one may arrive there."""
    with path.open("rb") as file:
        file.seek(offset)
        storage.save_file(f"{parts_of(upload)}/{offset:020d}", io.BytesIO(file.read(end - offset)))


def _fetch(upload: Upload, path: Path, here: int) -> int:
    """Bring the chunks that arrived on other machines; returns how far the file then reaches without a gap."""
    names = storage.list_files(parts_of(upload))
    starts = [int(name.rpartition("/")[2]) for name in names]
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("r+b" if path.exists() else "wb") as file:
        for name, start, end in zip(names, starts, [*starts[1:], upload.received], strict=True):
            if start <= here < end:
                with storage.open_file(name) as chunk:
                    file.seek(start)
                    shutil.copyfileobj(chunk, file, 2**20)
                here = file.tell()
    return here


def complete(upload: Upload, folder: Path) -> None:
    """Make sure that every byte is on disk; raises WrongOffset where some are missing."""
    received = received_bytes(upload)
    if received != upload.size:
        raise WrongOffset(received)
    with (folder / upload.filename).open("r+b") as part:
        part.truncate(upload.size)  # a refused chunk may lie behind the end
        os.fsync(part.fileno())


def parts_of(upload: Upload) -> str:
    return f"arriving/{upload.pk}"


def folder_of(upload: Upload) -> Path:
    folder: Path = settings.DATA_DIR / "uploads" / str(upload.pk)
    return folder
