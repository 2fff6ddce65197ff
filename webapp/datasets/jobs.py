"""What workers do with data sets: import them, and look after what was left lying."""

import errno
import hashlib
import logging
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

from celery import shared_task
from django.conf import settings
from django.db import OperationalError, connection
from django.utils.timezone import now
from django.utils.translation import gettext as _

from training.errors import TrainingError
from webapp.core import storage
from webapp.core.errors import log_bug
from webapp.datasets import lifecycle, uploads
from webapp.datasets.models import Dataset

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
NEWS_SECONDS = 0.2
"""At most so often does a phase that moves become news."""
FORGOTTEN = timedelta(days=1)


class Overtaken(Exception):
    """The data set was deleted, or another worker has taken the import over."""


@shared_task
def import_dataset(dataset_id: int) -> None:
    """Turn what somebody brought into version 1, or into words that say why not and what to do."""
    dataset = lifecycle.claim_import(dataset_id)
    if dataset is None:
        return
    try:
        with _heartbeat(dataset), _workplace(dataset) as work:
            _import(dataset, work)
    except Overtaken:
        return
    except TrainingError as error:
        lifecycle.fail_import(dataset, message=error.message, hint=error.hint)
    except Exception as error:
        message, hint = _in_words(error, dataset)
        lifecycle.fail_import(dataset, message=message, hint=hint)


@shared_task
def tend_imports() -> None:
    """Call workers again for imports that nobody is busy with, and give up those that keep dying."""
    for dataset in lifecycle.unattended():
        if dataset.attempt < lifecycle.ATTEMPTS:
            import_dataset.delay(dataset.pk)
        else:
            lifecycle.fail_import(
                dataset,
                message=_("The import was cut off %(n)d times.") % {"n": dataset.attempt},
                hint=_("The file may need more memory than the server has. Upload a smaller part of it."),
            )


@shared_task
def sweep() -> None:
    """Delete what uploads, imports and downloads left lying and nobody came back for."""
    uploads.drop_stale_uploads()
    storage.forget_unused_copies()
    for folder in _work_root().iterdir():
        if folder.stat().st_mtime < (now() - FORGOTTEN).timestamp():
            shutil.rmtree(folder, ignore_errors=True)


def _import(dataset: Dataset, work: Path) -> None:
    from training.data.importing import import_dataset as read_files  # polars stays out of the worker's parent

    _show(dataset, _("Fetching the file"), None)
    files = sorted(path for path in storage.local_folder(dataset.source).iterdir() if path.is_file())
    version = work / "v1"
    shown = 0.0
    for phase in read_files(files, version):
        if time.monotonic() - shown > NEWS_SECONDS:
            _show(dataset, phase.title, phase.done)
            shown = time.monotonic()
    _show(dataset, _("Storing"), None)
    _keep(dataset, version, sha256=_sha256(files))


def _keep(dataset: Dataset, version: Path, *, sha256: str) -> None:
    from training.data.schema import Description

    description = Description.model_validate_json((version / "dataset.json").read_bytes())
    size = (version / "data.parquet").stat().st_size
    folder = f"{dataset.folder}/v1"
    storage.move_folder(version, folder)
    if not lifecycle.finish_import(dataset, folder=folder, size=size, description=description, sha256=sha256):
        raise Overtaken


def _show(dataset: Dataset, title: str, done: float | None) -> None:
    if not lifecycle.record_phase(dataset, title=title, done=done):
        raise Overtaken


def _sha256(files: list[Path]) -> str:
    """The file's hash; of several files, the hash of their hashes."""
    hashes = []
    for path in files:
        with path.open("rb") as handle:
            hashes.append(hashlib.file_digest(handle, "sha256").hexdigest())
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()


@contextmanager
def _heartbeat(dataset: Dataset) -> Iterator[None]:
    """Say every ten seconds that the import is alive, however long one phase takes."""
    over = threading.Event()

    def beat() -> None:
        while not over.wait(BEAT_SECONDS):
            try:
                lifecycle.beat(dataset)
            except OperationalError as error:  # the next beat may get through; four missed ones end the claim
                logger.warning("No heartbeat for the import of dataset %s: %s", dataset.pk, error)
            finally:
                connection.close()

    thread = threading.Thread(target=beat, name=f"import-{dataset.pk}-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


@contextmanager
def _workplace(dataset: Dataset) -> Iterator[Path]:
    """A folder on the disk of the data, gone when the import ends."""
    root = _work_root()
    with tempfile.TemporaryDirectory(prefix=f"import-{dataset.pk}-", dir=root) as folder:
        yield Path(folder)


def _work_root() -> Path:
    root: Path = settings.DATA_DIR / "imports"
    root.mkdir(parents=True, exist_ok=True)
    return root


def _in_words(error: Exception, dataset: Dataset) -> tuple[str, str]:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _("The server’s disk is full."), _("Ask your administrator to make room, then upload the file again.")
    if isinstance(error, MemoryError):
        return _("The file needs more memory than the server has."), _("Upload a smaller part of it.")
    number = log_bug(f"the import of dataset {dataset.pk}")
    return (
        _("Touchstone made a mistake while reading the file. It is logged as %(number)s.") % {"number": number},
        _("Upload it again; if it stays, tell your administrator the number."),
    )
