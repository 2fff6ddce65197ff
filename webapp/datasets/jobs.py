"""What workers do with data sets: import them, make new versions, and look after what was left lying."""

import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import timedelta
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.utils.timezone import now
from django.utils.translation import gettext as _

from training.data.schema import Description, Fix
from webapp.core import storage
from webapp.datasets import lifecycle
from webapp.datasets.lifecycle import ATTEMPTS
from webapp.datasets.models import Dataset, Revision
from webapp.datasets.uploading import uploads
from webapp.datasets.uploading.quota import check_quota
from webapp.datasets.working import Overtaken, busy_with, show, show_all, work_root

FORGOTTEN = timedelta(days=1)


@shared_task
def import_dataset(dataset_id: int) -> None:
    """Turn what somebody brought into version 1, or into words that say why not and what to do."""
    dataset = lifecycle.claim(Dataset, dataset_id)
    if dataset is None:
        return
    with busy_with(dataset) as folder:
        _import(dataset, folder / "v1")


@shared_task
def make_version(revision_id: int) -> None:
    """Turn one version into the next, or into words that say why not."""
    revision = lifecycle.claim(Revision, revision_id)
    if revision is None:
        return
    with busy_with(revision) as folder:
        (_read_sheet if revision.sheet else _revise)(revision, folder / "next")


@shared_task
def tend_imports() -> None:
    """Call workers again for work that nobody is busy with, and give up what keeps killing them."""
    for dataset in lifecycle.unattended(Dataset):
        if dataset.attempt < ATTEMPTS:
            import_dataset.delay(dataset.pk)
        else:
            lifecycle.fail(
                dataset,
                message=_("The import was cut off %(n)d times.") % {"n": dataset.attempt},
                hint=_("The file may need more memory than the server has. Upload a smaller part of it."),
            )
    for revision in lifecycle.unattended(Revision):
        if revision.attempt < ATTEMPTS:
            make_version.delay(revision.pk)
        else:
            lifecycle.fail(
                revision,
                message=_("The new version was cut off %(n)d times.") % {"n": revision.attempt},
                hint=_("It may need more memory than the server has. Ask your administrator."),
            )


@shared_task
def sweep() -> None:
    """Delete what uploads, imports and downloads left lying and nobody came back for."""
    uploads.drop_stale_uploads()
    storage.forget_unused_copies()
    for folder in work_root().iterdir():
        if folder.stat().st_mtime < (now() - FORGOTTEN).timestamp():
            shutil.rmtree(folder, ignore_errors=True)


def _import(dataset: Dataset, version: Path) -> None:
    from training.data.importing import import_dataset as read_files  # polars stays out of the worker's parent

    if dataset.hub and not dataset.original_bytes:
        show(dataset, _("Fetching from the Hugging Face Hub"))
        _fetch(dataset, version.parent)
    show(dataset, _("Fetching the file"))
    files = _files(dataset)
    show_all(dataset, read_files(files, version))
    show(dataset, _("Storing"))
    folder, sha256 = f"{dataset.folder}/v1", _sha256(files)
    description, size = _store(version, folder)
    if not lifecycle.finish_import(dataset, folder=folder, size=size, description=description, sha256=sha256):
        raise Overtaken


def _fetch(dataset: Dataset, folder: Path) -> None:
    """Bring the Hub's files to where uploads lie, so that all that follows is as for an upload."""
    from training.data.hub import fetch_dataset

    place, endpoint = folder / "files", settings.HUB_ENDPOINT or None
    fetched = fetch_dataset(**dataset.hub, place=folder / "hub", limit=settings.UPLOAD_LIMIT, endpoint=endpoint)
    place.mkdir()
    names = [name if count == 0 else f"{count}-{name}" for count, name in _numbered(name for name, _path in fetched)]
    for name, (_name, path) in zip(names, fetched, strict=True):
        path.rename(place / name)
    size = sum(path.stat().st_size for path in place.iterdir())
    check_quota(dataset.project, size)
    storage.save_folder(place, dataset.source)
    dataset.filename, dataset.more_files, dataset.original_bytes = names[0], names[1:], size
    dataset.save(update_fields=["filename", "more_files", "original_bytes"])


def _numbered(names: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Each name with how often it came before."""
    seen = Counter[str]()
    for name in names:
        yield seen[name], name
        seen[name] += 1


def _revise(revision: Revision, version: Path) -> None:
    from training.data.fixes import apply_fixes

    base = revision.base
    if base is None:
        raise Overtaken
    show(revision, _("Fetching the data"))
    fixes = [Fix.model_validate(step) for step in revision.steps]
    show_all(revision, apply_fixes(storage.local_folder(base.folder), fixes, version))
    show(revision, _("Storing"))
    description, size = _store(version, revision.folder)
    done = [change.text for change in description.changes[len(base.describe().changes) :]]
    if not lifecycle.finish_revision(revision, size=size, description=description, done=done):
        raise Overtaken


def _read_sheet(revision: Revision, version: Path) -> None:
    from training.data.importing import import_dataset as read_files

    show(revision, _("Fetching the file"))
    show_all(revision, read_files(_files(revision.dataset), version, sheet=revision.sheet))
    show(revision, _("Storing"))
    description, size = _store(version, revision.folder)
    done = [_("Read the sheet “%(sheet)s”.") % {"sheet": revision.sheet}]
    if not lifecycle.finish_revision(revision, size=size, description=description, done=done):
        raise Overtaken


def _files(dataset: Dataset) -> list[Path]:
    source = storage.local_folder(dataset.source)
    return [source / name for name in dataset.filenames]


def _store(version: Path, folder: str) -> tuple[Description, int]:
    """Hand a finished version to storage; what is known of it, and its size in bytes."""
    description = Description.model_validate_json((version / "dataset.json").read_bytes())
    size = (version / "data.parquet").stat().st_size
    storage.move_folder(version, folder)
    return description, size


def _sha256(files: list[Path]) -> str:
    """The file's hash; of several files, the hash of their hashes."""
    hashes = []
    for path in files:
        with path.open("rb") as handle:
            hashes.append(hashlib.file_digest(handle, "sha256").hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
