"""Every move of a data set's or a revision's status, each a conditional update: of two who try, one succeeds."""

from datetime import timedelta
from typing import TypeAlias, TypeVar

from django.db import transaction
from django.db.models import F, Max, Q, QuerySet
from django.utils.timezone import now

from training.data.schema import Description
from webapp.core import live
from webapp.datasets.models import Dataset, DatasetVersion, Label, Revision

SILENCE = timedelta(seconds=45)
"""After so long without a heartbeat a worker counts as lost; it beats every ten seconds."""
ATTEMPTS = 3

Work: TypeAlias = Dataset | Revision
"""What a worker can be busy with: the import of a data set, or the making of its next version."""
W = TypeVar("W", Dataset, Revision)


def claim(kind: type[W], pk: int) -> W | None:
    """Take waiting work for this worker; None if somebody has it or it is over."""
    if not unattended(kind).filter(pk=pk).update(heartbeat=now(), attempt=F("attempt") + 1):
        return None
    return kind._default_manager.get(pk=pk)


def unattended(kind: type[W]) -> QuerySet[W]:
    """Work that is to be done and that no worker is known to be busy with."""
    silent = Q(heartbeat=None) | Q(heartbeat__lt=now() - SILENCE)
    return kind._default_manager.filter(silent, status=kind.BUSY)


def beat(work: Work) -> bool:
    """Say that the work is alive, to its page too; False if it is no longer this worker's."""
    if not _update(work, heartbeat=now()):
        return False
    live.publish(work.channel, "beat", {})
    return True


def record_phase(work: Work, *, title: str, done: float | None) -> bool:
    """Show how far the work is; False if it is no longer this worker's."""
    if not _update(work, phase=title, progress=done, heartbeat=now()):
        return False
    live.publish(work.channel, "phase", {"title": title, "done": done})
    return True


def finish_import(dataset: Dataset, *, folder: str, size: int, description: Description, sha256: str) -> bool:
    """Write the first version down and open the data set; False if another worker did."""
    with transaction.atomic():
        if not _update(dataset, status=Dataset.Status.READY, phase="", progress=None, error={}, sha256=sha256):
            return False
        _write_version(dataset, number=1, folder=folder, size=size, description=description)
    _announce(dataset, Dataset.Status.READY)
    return True


def finish_revision(revision: Revision, *, size: int, description: Description, done: list[str]) -> bool:
    """Write the new version down with what was done; False if another worker did."""
    with transaction.atomic():
        dataset = Dataset.objects.select_for_update(of=("self",)).get(pk=revision.dataset_id)
        if not _update(revision, status=Revision.Status.READY, phase="", progress=None, error={}, done=done):
            return False
        newest = dataset.versions.aggregate(newest=Max("number"))["newest"]
        revision.version = _write_version(
            dataset, number=newest + 1, folder=revision.folder, size=size, description=description
        )
        revision.save(update_fields=["version"])
        columns = {step["column"] for step in revision.steps if step["key"] == "set_values"}
        Label.objects.filter(version=revision.base, column__in=columns).delete()
    _announce(revision, Revision.Status.READY)
    return True


def fail(work: Work, *, message: str, hint: str) -> bool:
    """End the work with words that the person reads; False if it is no longer this worker's."""
    status = type(work).Status.FAILED
    if not _update(work, status=status, phase="", progress=None, error={"message": message, "hint": hint}):
        return False
    _announce(work, status)
    return True


def announce_change(dataset: Dataset) -> None:
    """Tell the project's lists that a data set came, changed or went."""
    news = {"kind": "dataset", "id": dataset.pk, "status": dataset.status}
    live.publish(f"project-{dataset.project_id}", "dataset", news)


def _write_version(
    dataset: Dataset, *, number: int, folder: str, size: int, description: Description
) -> DatasetVersion:
    return DatasetVersion.objects.create(
        dataset=dataset,
        number=number,
        folder=folder,
        rows=description.rows,
        bytes=size,
        description=description.model_dump(mode="json"),
    )


def _update(work: Work, **fields: object) -> bool:
    kind = type(work)
    mine = kind._default_manager.filter(pk=work.pk, status=kind.BUSY, attempt=work.attempt)
    return bool(mine.update(**fields))


def _announce(work: Work, status: str) -> None:
    work.status = status
    live.publish(work.channel, "settled", {"status": status})
    announce_change(work if isinstance(work, Dataset) else work.dataset)
