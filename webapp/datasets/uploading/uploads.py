"""Files on their way in, chunk by chunk: an upload goes on after a closed browser or a restarted server.

The bytes lie in a folder of this machine until the file is complete; then storage takes the folder over. Where storage
is shared by several machines, each chunk is put there too, and a machine that lacks one fetches it. Only bytes
count that are on disk and whose checksum was right, so an upload that lost some of them sends those again.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import io
import os
import re
import shutil
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.conf import settings
from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.utils.timezone import now
from django.utils.translation import gettext as _

from training.data.visible import visible
from webapp.core import storage
from webapp.core.errors import UserError
from webapp.core.templatetags.touchstone import byte_size
from webapp.datasets.models import Upload
from webapp.datasets.uploading.quota import check_quota
from webapp.projects.access import require_editor
from webapp.projects.models import Membership

STALE = timedelta(days=1)


class WrongOffset(UserError):
    """The chunk does not begin where the file on the server ends; `received` says where that is."""

    def __init__(self, received: int) -> None:
        message = _("The server has the first %(received)d bytes.") % {"received": received}
        super().__init__(message, _("Go on from there."), code="wrong_offset", status=409)
        self.received = received


def start_upload(*, member: Membership, filename: str, size: int, fingerprint: str) -> Upload:
    """Begin a file, or go on with the one of the same fingerprint; refuses what is too large before a byte is read."""
    require_editor(member)
    check_size(size)
    waiting = Upload.objects.filter(project=member.project, owner=member.user, size=size, dataset=None)
    known = waiting.filter(fingerprint=fingerprint).first() if fingerprint else None
    if known is not None:
        known.received = received_bytes(known)
        return known
    _check_room(size)
    check_quota(member.project, size)
    return Upload.objects.create(
        project=member.project, owner=member.user, filename=safe_name(filename), size=size, fingerprint=fingerprint
    )


def write_chunk(upload: Upload, *, offset: int, blocks: Iterable[bytes], checksum: str) -> int:
    """Append one chunk whose checksum is right and return how many bytes are there; of two at once, one succeeds."""
    with _locked(upload) as folder, _full_disk_in_words():
        received = received_bytes(upload)
        if offset != received:
            raise WrongOffset(received)
        with (folder / upload.filename).open("r+b" if received else "wb") as part:
            part.seek(received)
            received += _copy(blocks, part, _digest(checksum), most=upload.size - offset)
        if storage.is_shared():
            _share(upload, folder / upload.filename, offset, received)
        unchanged = Upload.objects.filter(pk=upload.pk, received=upload.received)
        if not unchanged.update(received=received, touched=now()):  # another machine took a chunk meanwhile
            raise WrongOffset(received_bytes(upload))
    return received


def write_whole(upload: Upload, file: UploadedFile[bytes]) -> None:
    """Take a file that came in one request; one that Django has already put on disk is only moved."""
    with _locked(upload) as folder, _full_disk_in_words():
        target = folder / upload.filename
        if isinstance(file, TemporaryUploadedFile):
            shutil.move(file.temporary_file_path(), target)
        else:
            target.write_bytes(file.read())
        Upload.objects.filter(pk=upload.pk).update(received=target.stat().st_size)


def store(files: Sequence[Upload], checksums: Sequence[str] = ()) -> str:
    """Hand complete files to storage as one folder and return its name there; doing it twice does no harm.

    `checksums` are those of the whole files, where the sender knows them; a file with another one is forgotten.
    """
    source = f"originals/{files[0].pk}"
    with ExitStack() as stack:
        folders = [stack.enter_context(_locked(upload)) for upload in files]
        if not storage.has_file(f"{source}/{files[0].filename}"):
            for upload, folder in zip(files, folders, strict=True):
                _complete(upload, folder)
            for upload, folder, checksum in zip(files, folders, checksums, strict=False):
                _verify(upload, folder / upload.filename, checksum)
            for upload, folder in zip(files[1:], folders[1:], strict=True):
                _link(folder / upload.filename, folders[0] / upload.filename)
            storage.move_folder(folders[0], source)
        for upload, folder in zip(files, folders, strict=True):
            shutil.rmtree(folder, ignore_errors=True)
            storage.delete_folder(_parts(upload))
    return source


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


def drop_upload(upload: Upload) -> None:
    """Forget an upload that somebody gave up."""
    shutil.rmtree(_folder(upload), ignore_errors=True)
    storage.delete_folder(_parts(upload))
    if upload.dataset is None:
        storage.delete_folder(f"originals/{upload.pk}")
    upload.delete()


def drop_stale_uploads() -> None:
    """Forget uploads that nobody has gone on with for a day."""
    for upload in Upload.objects.filter(touched__lt=now() - STALE):
        drop_upload(upload)


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


def safe_name(filename: str) -> str:
    """The last part of a file's name, without anything that a disk or a page could stumble over."""
    name = re.sub(r"[\x00-\x1f\x7f]", "", re.split(r"[/\\]", visible(filename))[-1]).strip().lstrip(".")
    while len(name.encode()) > 200:
        stem, dot, suffix = name.rpartition(".")
        name = f"{stem[:-1]}{dot}{suffix}" if stem else name[:-1]
    return name or "file"


def _copy(blocks: Iterable[bytes], part: BinaryIO, digest: _Digest, *, most: int) -> int:
    """Copy the blocks to where the file stands; raises UserError if it is too long or its checksum is wrong."""
    copied = 0
    for block in blocks:
        copied += len(block)
        if copied > most:
            break
        digest.update(block)
        part.write(block)
    if copied > most or not digest.matches():
        raise UserError(
            _("A part of the file arrived damaged."), _("Send it again."), code="wrong_checksum", status=422
        )
    return copied


class _Digest:
    """A running checksum and what it should become: "sha256=<hex>" or "crc32=<hex>"."""

    def __init__(self, kind: str, expected: str) -> None:
        self._expected = expected.lower()
        self._sha256 = hashlib.sha256() if kind == "sha256" else None
        self._crc32 = 0

    def update(self, block: bytes) -> None:
        if self._sha256 is not None:
            self._sha256.update(block)
        else:
            self._crc32 = zlib.crc32(block, self._crc32)

    def matches(self) -> bool:
        found = f"{self._crc32:08x}" if self._sha256 is None else self._sha256.hexdigest()
        return found == self._expected


def _digest(checksum: str) -> _Digest:
    kind, _equals, expected = checksum.partition("=")
    if kind not in ("crc32", "sha256") or not expected:
        raise UserError(
            _("A checksum is missing."),
            _("Send “crc32=…” or “sha256=…”; of a chunk in the header “Upload-Checksum”."),
            code="no_checksum",
        )
    return _Digest(kind, expected)


@contextmanager
def _locked(upload: Upload) -> Iterator[Path]:
    """The upload's folder, for one request at a time on this machine."""
    folder = _folder(upload)
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        yield folder
    except BlockingIOError as error:
        raise WrongOffset(received_bytes(upload)) from error
    finally:
        os.close(handle)


@contextmanager
def _full_disk_in_words() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise _no_room() from error


def _check_room(size: int) -> None:
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    if shutil.disk_usage(settings.DATA_DIR).free < size:
        raise _no_room()


def _no_room() -> UserError:
    return UserError(
        _("The server’s disk is full."),
        _("Ask your administrator to make room; then the upload goes on where it stopped."),
        code="disk_full",
        status=507,
    )


def received_bytes(upload: Upload) -> int:
    """How many bytes are safe: a worker that died while writing left some that nobody has checked."""
    upload.refresh_from_db(fields=["received"])
    path = _folder(upload) / upload.filename
    here = path.stat().st_size if path.exists() else 0
    if here < upload.received and storage.is_shared():
        here = _fetch(upload, path, here)
    return min(upload.received, here)


def _share(upload: Upload, path: Path, offset: int, end: int) -> None:
    """Put a chunk where other machines find it, because the next one may arrive there."""
    with path.open("rb") as file:
        file.seek(offset)
        storage.save_file(f"{_parts(upload)}/{offset:020d}", io.BytesIO(file.read(end - offset)))


def _fetch(upload: Upload, path: Path, here: int) -> int:
    """Bring the chunks that arrived on other machines; returns how far the file then reaches without a gap."""
    names = storage.list_files(_parts(upload))
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


def _parts(upload: Upload) -> str:
    return f"arriving/{upload.pk}"


def _complete(upload: Upload, folder: Path) -> None:
    """Make sure that every byte is on disk; raises WrongOffset where some are missing."""
    received = received_bytes(upload)
    if received != upload.size:
        raise WrongOffset(received)
    with (folder / upload.filename).open("r+b") as part:
        part.truncate(upload.size)  # a refused chunk may lie behind the end
        os.fsync(part.fileno())


def _verify(upload: Upload, path: Path, checksum: str) -> None:
    """Compare the whole file with what its sender has; one that differs is to be sent from the beginning."""
    digest = _digest(checksum)
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    if digest.matches():
        return
    Upload.objects.filter(pk=upload.pk).update(received=0)
    path.unlink()
    storage.delete_folder(_parts(upload))
    raise UserError(
        _("“%(name)s” is not what was sent: it was changed meanwhile, or damaged on the way.")
        % {"name": upload.filename},
        _("Choose the file again; it is then sent from the beginning."),
        code="wrong_checksum",
    )


def _link(path: Path, target: Path) -> None:
    """Give the file a second name, so that it is still there if this is cut off."""
    target.unlink(missing_ok=True)
    target.hardlink_to(path)


def _folder(upload: Upload) -> Path:
    folder: Path = settings.DATA_DIR / "uploads" / str(upload.pk)
    return folder
