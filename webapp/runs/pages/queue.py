"""What the queue page shows: one queue for the whole machine, whoever's project the runs are in."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from webapp.core import devices
from webapp.projects.models import EDITORS, User
from webapp.runs.models import Run
from webapp.runs.pages.rows import done_percent, palette_number
from webapp.runs.queue import expected_wait

MOST_WAITING = 100
ESTIMATED = 20
"""Waiting runs whose start is estimated: further back it is a guess."""


@dataclass(frozen=True)
class QueuedRun:
    """A run in the queue; of other projects only that it is there."""

    run: Run
    position: int
    wait: timedelta | None
    is_visible: bool
    can_stop: bool

    @property
    def palette(self) -> int:
        return palette_number(self.run.pk)

    @property
    def percent(self) -> float:
        return done_percent(self.run)


def overview(user: User) -> dict[str, Any]:
    """Runs that train and runs that wait, with what this person may see and stop."""
    held = (Run.Status.RUNNING, Run.Status.STOPPING)
    working = list(_with_names().filter(status__in=held).order_by("started", "pk"))
    waiting = list(_with_names().filter(pk__in=Run.objects.waiting()).order_by("queued", "pk")[:MOST_WAITING])
    roles = dict(user.memberships.values_list("project", "role"))
    return {
        "working": [_queued(run, 0, roles) for run in working],
        "waiting": [_queued(run, position, roles) for position, run in enumerate(waiting, start=1)],
        "slots": devices.slots(),
        "free": max(0, len(devices.slots()) - len(working)),
    }


def _with_names() -> Any:
    return Run.objects.select_related("version__dataset", "owner", "project")


def _queued(run: Run, position: int, roles: dict[int, str]) -> QueuedRun:
    role = roles.get(run.project_id)
    wait = expected_wait(run) if 0 < position <= ESTIMATED else None
    return QueuedRun(run, position, wait, role is not None, role in EDITORS)
