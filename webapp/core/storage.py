"""Folders and files in Django's storage: a local directory by default, S3-compatible by setting."""

import fcntl
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from django.conf import settings
from django.core.files import File
from django.core.files.storage import FileSystemStorage, default_storage

UNUSED_AFTER = 7 * 86_400
"""Seconds after which a downloaded folder that nobody asked for again is forgotten."""


def save_folder(folder: Path, prefix: str) -> None:
    """Copy a folder into storage under `prefix`, in place of what was there; it appears there whole or not at all."""
    if isinstance(default_storage, FileSystemStorage):
        with _staging(prefix) as staged:
            shutil.copytree(folder, staged)
    else:
        _upload(folder, prefix)


def move_folder(folder: Path, prefix: str) -> None:
    """Like `save_folder`, and afterwards only storage has it; costs nothing where both lie on one disk."""
    if isinstance(default_storage, FileSystemStorage):
        with _staging(prefix) as staged:
            shutil.move(folder, staged)
    else:
        _upload(folder, prefix)
        shutil.rmtree(folder)


def local_folder(prefix: str) -> Path:
    """The folder as a path on this machine, only to read: storage's own, else a copy that is downloaded once.

    A prefix that was asked for must not change afterwards: other machines keep their copies. Raises
    FileNotFoundError if storage has no such folder.
    """
    if not isinstance(default_storage, FileSystemStorage):
        return _download(prefix)
    folder = Path(default_storage.path(prefix))
    if not folder.is_dir():
        raise FileNotFoundError(f"storage has no folder {prefix}")
    return folder


def local_file(name: str) -> Path:
    """A stored file as a path on this machine, only to read; like `local_folder`, but of one file."""
    if not isinstance(default_storage, FileSystemStorage):
        return _download_file(name)
    path = Path(default_storage.path(name))
    if not path.is_file():
        raise FileNotFoundError(f"storage has no file {name}")
    return path


def delete_folder(prefix: str) -> None:
    """Forget a folder and everything in it; nothing happens if it is not there."""
    if isinstance(default_storage, FileSystemStorage):
        shutil.rmtree(default_storage.path(prefix), ignore_errors=True)
    else:
        _delete_remote(prefix)


def is_shared() -> bool:
    """Whether storage is somewhere else, so that what only this machine has is missing on the others."""
    return not isinstance(default_storage, FileSystemStorage)


def save_file(name: str, content: IO[bytes]) -> None:
    """Store one file under exactly this name, in place of what was there."""
    if default_storage.exists(name):
        default_storage.delete(name)
    default_storage.save(name, File(content))


def list_files(prefix: str) -> list[str]:
    """The names of all files below a prefix, in order."""
    return sorted(_names(prefix))


def has_file(name: str) -> bool:
    """Whether storage has a file of that name."""
    return default_storage.exists(name)


def open_file(name: str) -> File:  # type: ignore[type-arg]
    """Open a stored file to read bytes; raises FileNotFoundError if there is none."""
    return default_storage.open(name, "rb")


def forget_unused_copies() -> None:
    """Delete downloads that nobody has asked for in a week."""
    for stamp in _cache().rglob("*.used"):
        if stamp.stat().st_mtime < time.time() - UNUSED_AFTER:
            copy = stamp.with_suffix("")
            if copy.is_file():
                copy.unlink()
            shutil.rmtree(copy, ignore_errors=True)
            stamp.unlink(missing_ok=True)


@contextmanager
def _staging(prefix: str) -> Iterator[Path]:
    """A path beside the target on the same disk, renamed to the target when the block ends well."""
    target = Path(default_storage.path(prefix))
    staged = target.with_name(f".{target.name}-{secrets.token_hex(4)}")
    staged.parent.mkdir(parents=True, exist_ok=True)
    try:
        yield staged
        shutil.rmtree(target, ignore_errors=True)
        staged.rename(target)
    finally:
        shutil.rmtree(staged, ignore_errors=True)


def _delete_remote(prefix: str) -> None:
    for name in list(_names(prefix)):
        default_storage.delete(name)
    shutil.rmtree(_cache() / prefix, ignore_errors=True)
    shutil.rmtree(_cache() / "files" / prefix, ignore_errors=True)


def _upload(folder: Path, prefix: str) -> None:
    _delete_remote(prefix)
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                default_storage.save(str(PurePosixPath(prefix) / path.relative_to(folder)), File(handle))


def _download(prefix: str) -> Path:
    """Fetch a folder once, however many processes of this machine ask for it at the same time."""
    folder = _cache() / prefix
    folder.parent.mkdir(parents=True, exist_ok=True)
    with _locked(folder.with_name(f"{folder.name}.used")):
        if not folder.is_dir():
            _fetch(prefix, folder)
    return folder


def _download_file(name: str) -> Path:
    """Fetch one file once; it lies apart from the downloaded folders, which are whole."""
    path = _cache() / "files" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    with _locked(path.with_name(f"{path.name}.used")):
        if not path.is_file():
            partial = path.with_name(f".{path.name}-{secrets.token_hex(4)}")
            with default_storage.open(name, "rb") as source, partial.open("wb") as target:
                shutil.copyfileobj(source, target, 2**20)
            partial.rename(path)
    return path


def _fetch(prefix: str, folder: Path) -> None:
    partial = folder.with_name(f".{folder.name}-{secrets.token_hex(4)}")
    names = list(_names(prefix))
    if not names:
        raise FileNotFoundError(f"storage has no folder {prefix}")
    try:
        for name in names:
            path = partial / PurePosixPath(name).relative_to(prefix)
            path.parent.mkdir(parents=True, exist_ok=True)
            with default_storage.open(name, "rb") as source, path.open("wb") as target:
                shutil.copyfileobj(source, target, 2**20)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _names(prefix: str) -> Iterator[str]:
    """The names of all files below a prefix of a remote storage."""
    try:
        folders, files = default_storage.listdir(prefix)
    except FileNotFoundError:  # some storages say so, others answer with nothing
        return
    yield from (f"{prefix}/{name}" for name in files if name)
    for folder in folders:
        yield from _names(f"{prefix}/{folder}")


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold the lock file of a cached folder; its time says when the folder was last asked for."""
    with path.open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        os.utime(path)
        yield


def _cache() -> Path:
    folder: Path = settings.DATA_DIR / "cache"
    return folder
