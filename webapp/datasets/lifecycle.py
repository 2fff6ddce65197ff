"""Every move of a data set's status, each a conditional update: of two who try, one succeeds."""

from datetime import timedelta

from django.db import transaction
from django.db.models import F, Q
from django.utils.timezone import now

from training.data.schema import Description
from webapp.core import live
from webapp.datasets.models import Dataset, DatasetQuerySet, DatasetVersion

SILENCE = timedelta(seconds=45)
"""After so long without a heartbeat a worker counts as lost; it beats every ten seconds."""
ATTEMPTS = 3


def claim_import(dataset_id: int) -> Dataset | None:
    """Take a waiting import for this worker; None if somebody has it or it is over."""
    waiting = unattended().filter(pk=dataset_id)
    if not waiting.update(heartbeat=now(), attempt=F("attempt") + 1):
        return None
    return Dataset.objects.get(pk=dataset_id)


def unattended() -> DatasetQuerySet:
    """Imports that no worker is known to be busy with."""
    silent = Q(heartbeat=None) | Q(heartbeat__lt=now() - SILENCE)
    return Dataset.objects.filter(silent, status=Dataset.Status.IMPORTING)


def beat(dataset: Dataset) -> bool:
    """Say that the import is alive; False if it is no longer this worker's."""
    return _update(dataset, heartbeat=now())


def record_phase(dataset: Dataset, *, title: str, done: float | None) -> bool:
    """Show how far the import is; False if it is no longer this worker's."""
    if not _update(dataset, phase=title, progress=done, heartbeat=now()):
        return False
    live.publish(dataset.channel, "phase", {"title": title, "done": done})
    return True


def finish_import(dataset: Dataset, *, folder: str, size: int, description: Description, sha256: str) -> bool:
    """Write the first version down and open the data set; False if another worker did."""
    with transaction.atomic():
        if not _update(dataset, status=Dataset.Status.READY, phase="", progress=None, error={}, sha256=sha256):
            return False
        DatasetVersion.objects.create(
            dataset=dataset,
            folder=folder,
            rows=description.rows,
            bytes=size,
            description=description.model_dump(mode="json"),
        )
    _announce(dataset, Dataset.Status.READY)
    return True


def fail_import(dataset: Dataset, *, message: str, hint: str) -> bool:
    """End the import with words that the person reads; False if it is no longer this worker's."""
    error = {"message": message, "hint": hint}
    if not _update(dataset, status=Dataset.Status.FAILED, phase="", progress=None, error=error):
        return False
    _announce(dataset, Dataset.Status.FAILED)
    return True


def _update(dataset: Dataset, **fields: object) -> bool:
    mine = Dataset.objects.filter(pk=dataset.pk, status=Dataset.Status.IMPORTING, attempt=dataset.attempt)
    return bool(mine.update(**fields))


def _announce(dataset: Dataset, status: str) -> None:
    dataset.status = status
    live.publish(dataset.channel, "settled", {"status": status})
    announce_change(dataset)


def announce_change(dataset: Dataset) -> None:
    """Tell the project's lists that a data set came, changed or went."""
    news = {"kind": "dataset", "id": dataset.pk, "status": dataset.status}
    live.publish(f"project-{dataset.project_id}", "dataset", news)
