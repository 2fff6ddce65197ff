"""Files on their way in, chunk by chunk: an upload goes on after a closed browser or a restarted server.

Only bytes count that are on disk and whose checksum was right, so an upload that lost some of them sends those again.
Once a file is complete, storage takes its folder over.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from typing import BinaryIO

from django.core.files.uploadedfile import TemporaryUploadedFile, UploadedFile
from django.utils.timezone import now
from django.utils.translation import gettext as _

from webapp.core import storage
from webapp.core.errors import UserError
from webapp.datasets.models import Upload
from webapp.datasets.uploading.arrived import WrongOffset, complete, folder_of, locked, parts_of, received_bytes, share
from webapp.datasets.uploading.checksums import Digest, digest_of
from webapp.datasets.uploading.limits import check_room, check_size, full_disk_in_words, safe_name
from webapp.datasets.uploading.quota import check_quota
from webapp.projects.access import require_editor
from webapp.projects.models import Membership

STALE = timedelta(days=1)


def start_upload(*, member: Membership, filename: str, size: int, fingerprint: str) -> Upload:
    """Begin a file, or go on with the one of the same fingerprint; refuses what is too large before a byte is read."""
    require_editor(member)
    check_size(size)
    waiting = Upload.objects.filter(project=member.project, owner=member.user, size=size, dataset=None)
    known = waiting.filter(fingerprint=fingerprint).first() if fingerprint else None
    if known is not None:
        known.received = received_bytes(known)
        return known
    check_room(size)
    check_quota(member.project, size)
    return Upload.objects.create(
        project=member.project, owner=member.user, filename=safe_name(filename), size=size, fingerprint=fingerprint
    )


def write_chunk(upload: Upload, *, offset: int, blocks: Iterable[bytes], checksum: str) -> int:
    """Append one chunk whose checksum is right and return how many bytes are there; of two at once, one succeeds."""
    with locked(upload) as folder, full_disk_in_words():
        received = received_bytes(upload)
        if offset != received:
            raise WrongOffset(received)
        with (folder / upload.filename).open("r+b" if received else "wb") as part:
            part.seek(received)
            received += _copy(blocks, part, digest_of(checksum), most=upload.size - offset)
        if storage.is_shared():
            share(upload, folder / upload.filename, offset, received)
        unchanged = Upload.objects.filter(pk=upload.pk, received=upload.received)
        if not unchanged.update(received=received, touched=now()):  # another machine took a chunk meanwhile
            raise WrongOffset(received_bytes(upload))
    return received


def _copy(blocks: Iterable[bytes], part: BinaryIO, digest: Digest, *, most: int) -> int:
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


def write_whole(upload: Upload, file: UploadedFile[bytes]) -> None:
    """Take a file that came in one request; one that Django has already put on disk is only moved."""
    with locked(upload) as folder, full_disk_in_words():
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
        folders = [stack.enter_context(locked(upload)) for upload in files]
        if not storage.has_file(f"{source}/{files[0].filename}"):
            for upload, folder in zip(files, folders, strict=True):
                complete(upload, folder)
            for upload, folder, checksum in zip(files, folders, checksums, strict=False):
                _verify(upload, folder / upload.filename, checksum)
            for upload, folder in zip(files[1:], folders[1:], strict=True):
                _link(folder / upload.filename, folders[0] / upload.filename)
            storage.move_folder(folders[0], source)
        for upload, folder in zip(files, folders, strict=True):
            shutil.rmtree(folder, ignore_errors=True)
            storage.delete_folder(parts_of(upload))
    return source


def _verify(upload: Upload, path: Path, checksum: str) -> None:
    """Compare the whole file with what its sender has; one that differs is to be sent from the beginning."""
    digest = digest_of(checksum)
    with path.open("rb") as file:
        while block := file.read(2**20):
            digest.update(block)
    if digest.matches():
        return
    Upload.objects.filter(pk=upload.pk).update(received=0)
    path.unlink()
    storage.delete_folder(parts_of(upload))
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


def drop_upload(upload: Upload) -> None:
    """Forget an upload that somebody gave up."""
    shutil.rmtree(folder_of(upload), ignore_errors=True)
    storage.delete_folder(parts_of(upload))
    if upload.dataset is None:
        storage.delete_folder(f"originals/{upload.pk}")
    upload.delete()


def drop_stale_uploads() -> None:
    """Forget uploads that nobody has gone on with for a day."""
    for upload in Upload.objects.filter(touched__lt=now() - STALE):
        drop_upload(upload)
