"""Who is next."""

from datetime import timedelta

from django.db.models import Q, Sum

from webapp.core import devices
from webapp.runs.models import Run, RunQuerySet


def position(run: Run) -> int | None:
    """1 for the run that starts next; None if the run is not waiting."""
    if run.status != Run.Status.QUEUED:
        return None
    return ahead_of(run).count() + 1


def ahead_of(run: Run) -> RunQuerySet:
    """The waiting runs that start before this one."""
    return Run.objects.waiting().filter(Q(queued__lt=run.queued) | Q(queued=run.queued, pk__lt=run.pk))


def expected_wait(run: Run) -> timedelta | None:
    """About how long until a waiting run starts, from the time left of the runs before it; None if unknown."""
    if run.status != Run.Status.QUEUED:
        return None
    from webapp.runs.estimate import estimate

    working = Run.objects.filter(status=Run.Status.RUNNING)
    left = working.aggregate(left=Sum("eta_seconds"))["left"] or 0.0
    waiting = sum(estimate(other.train_spec(), other.version)["seconds"] for other in ahead_of(run)[:50])
    return timedelta(seconds=(left + waiting) / len(devices.slots()))
