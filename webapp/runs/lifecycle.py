"""Every move of a run's status, each a conditional update: of two who try, one succeeds."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, TypeAlias

import psutil
from django.db import transaction
from django.utils.timezone import now
from django.utils.translation import gettext as _

from training import events as told
from training.report import Report
from webapp.core.errors import UserError
from webapp.runs import news
from webapp.runs.models import Note, Run
from webapp.runs.record import headline, joined_points, note, told_fields

if TYPE_CHECKING:
    from webapp.runs.curves.series_writer import Writer

Status: TypeAlias = Run.Status
HELD = (Run.Status.RUNNING, Run.Status.STOPPING)
"""States in which a worker holds the run."""
ENDED = (Run.Status.STOPPED, Run.Status.FINISHED, Run.Status.FAILED)

SILENCE = timedelta(seconds=45)
"""So long without a heartbeat, and the worker is taken for dead."""
MOST_INTERRUPTIONS = 3


def claim_run(run_id: int) -> Run | None:
    """Take a queued run for this worker; None if it is no longer there to take."""
    waiting = Run.objects.filter(pk=run_id).first()
    if waiting is None or not _move(
        waiting,
        (Run.Status.QUEUED,),
        Run.Status.RUNNING,
        attempt=waiting.attempt + 1,
        worker=worker_name(),
        phase=_("Waking up"),
        started=waiting.started or now(),
        heartbeat=now(),
        eta_seconds=None,
    ):
        return None
    return Run.objects.select_related("version__dataset", "project").get(pk=run_id)


def beat(run: Run) -> bool:
    """Say that the run's worker lives; False if the run is no longer this worker's."""
    return bool(_mine(run).update(heartbeat=now()))


def record_events(run: Run, events: Sequence[told.Event], curves: Writer, *, offset: int = 0) -> bool:
    """Write down what the engine told and whether somebody pressed Stop; False if the run is no longer this worker's.

    `offset` is where in the engine's file the events end. `run` then says what the row says. All of it is committed
    before the news goes out.
    """
    if not events:
        return _look(run)
    with transaction.atomic():
        fields = told_fields(run, events)
        if not _mine(run).update(heartbeat=now(), events_read=offset, **fields):
            return False
        points = joined_points(events)
        curves.append(points)
        notes = Note.objects.bulk_create(note(run, event) for event in events if event.type != "progress")
        _look(run)
        transaction.on_commit(lambda: news.tell_progress(run, points, notes, time=events[-1].time))
    return True


def ask_to_stop(run: Run, *, keep: bool) -> None:
    """Stop a queued or running run: keep its checkpoint, so that it can go on, or discard its files.

    A queued run is stopped at once; a running one is `stopping` until its engine has ended. Pressing twice does no
    harm; `keep=False` after `keep=True` discards. Raises UserError if the run has already ended.
    """
    if _move(run, (Run.Status.QUEUED,), Run.Status.STOPPED, keep=keep, ended=now(), phase=""):
        return None if keep else discard(run)
    if _move(run, (Run.Status.RUNNING,), Run.Status.STOPPING, keep=keep):
        return None
    stopping = Run.objects.filter(pk=run.pk, status=Run.Status.STOPPING)
    if stopping.exists() if keep else stopping.update(keep=False):
        return None
    if Run.objects.filter(pk=run.pk, status=Run.Status.STOPPED).exists():
        return None if keep else discard(run)
    raise UserError(_("This run has already ended."), _("Open it to see how."), code="ended", status=409)


def stop(run: Run) -> None:
    """The engine saved its checkpoint and ended, or was ended because nothing is to be kept."""
    if _move(run, HELD, Run.Status.STOPPED, mine=True, ended=now(), phase="", eta_seconds=None):
        run.refresh_from_db(fields=["keep"])
        if not run.keep:
            discard(run)


def discard(run: Run) -> None:
    """Delete the files of a stopped run; its row and its curves stay."""
    from webapp.runs import workspace

    if Run.objects.filter(pk=run.pk, status=Run.Status.STOPPED).update(keep=False, checkpoint_step=0, folder_bytes=0):
        workspace.discard(run)
        news.tell_status(run.pk)


def finish(run: Run, report: Report, *, folder_bytes: int) -> None:
    """The results are safe in storage."""
    _move(
        run,
        HELD,
        Run.Status.FINISHED,
        mine=True,
        ended=now(),
        phase="",
        eta_seconds=None,
        checkpoint_step=0,
        headline=headline(report),
        seconds=report.seconds or run.seconds,
        folder_bytes=folder_bytes,
    )


def fail(run: Run, error: dict[str, Any]) -> None:
    """The training ended without a model: `error` is {code, message, hint, remedy} for the page."""
    _move(run, HELD, Run.Status.FAILED, mine=True, error=error, ended=now(), phase="", eta_seconds=None)


def requeue(run: Run) -> None:
    """Its worker goes home in an orderly way: the run goes on elsewhere or later, from its checkpoint."""
    _move(run, (Run.Status.RUNNING,), Run.Status.QUEUED, mine=True, phase="", eta_seconds=None)


def interrupt(run: Run) -> None:
    """Its worker vanished: go on from the last checkpoint, but not for ever."""
    if run.status == Run.Status.STOPPING:
        stop(run)
    elif run.interruptions + 1 < MOST_INTERRUPTIONS:
        _move(
            run,
            (Run.Status.RUNNING,),
            Run.Status.QUEUED,
            mine=True,
            interruptions=run.interruptions + 1,
            phase="",
            eta_seconds=None,
        )
    else:
        fail(
            run,
            {
                "code": "worker_lost",
                "message": _("The worker that trained this run vanished %(n)d times without getting further.")
                % {"n": MOST_INTERRUPTIONS},
                "hint": _("It may need more memory than the machine has: try a smaller batch size, then resume it."),
            },
        )


def resume(run: Run) -> bool:
    """Queue a stopped or failed run again, behind those that wait; False if it is neither or has no checkpoint."""
    return _move(
        run,
        (Run.Status.STOPPED, Run.Status.FAILED),
        Run.Status.QUEUED,
        checkpoint_step__gt=0,
        queued=now(),
        ended=None,
        error={},
        keep=True,
        interruptions=0,
    )


def silent_runs() -> list[Run]:
    """Runs whose worker gave no sign of life for too long."""
    return list(Run.objects.filter(status__in=HELD, heartbeat__lt=now() - SILENCE))


def abandoned_runs() -> list[Run]:
    """Runs that a worker of this machine held which is no longer alive."""
    host = f"{platform.node()}:"
    held = Run.objects.filter(status__in=HELD, worker__startswith=host)
    return [run for run in held if not _alive(int(run.worker.removeprefix(host)))]


def worker_name() -> str:
    """Host and process: "gpu-3:4711"."""
    return f"{platform.node()}:{os.getpid()}"


def _move(run: Run, sources: Sequence[Status], target: Status, *, mine: bool = False, **fields: Any) -> bool:
    """Change the status if it still is one of `sources` (and the claim still ours); tells the news when committed."""
    conditions = {name: fields.pop(name) for name in list(fields) if "__" in name}
    rows = _mine(run) if mine else Run.objects.filter(pk=run.pk)
    with transaction.atomic():
        moved = bool(rows.filter(status__in=sources, **conditions).update(status=target, **fields))
        if moved:
            transaction.on_commit(lambda: news.tell_status(run.pk))
    return moved


def _mine(run: Run) -> Any:
    return Run.objects.filter(pk=run.pk, attempt=run.attempt, status__in=HELD)


def _look(run: Run) -> bool:
    """Read what people may have changed; False if the run is no longer this worker's."""
    row = _mine(run).values("status", "keep").first()
    if row is None:
        return False
    run.status, run.keep = row["status"], row["keep"]
    return True


def _alive(pid: int) -> bool:
    """Whether another process of that number runs; our own number can only be an earlier worker's."""
    return pid != os.getpid() and psutil.pid_exists(pid)
