"""What workers do with runs."""

from __future__ import annotations

import errno
import logging
import signal
from pathlib import Path
from typing import Any

from celery import current_app, shared_task
from django.utils.translation import gettext as _
from kombu.exceptions import OperationalError

from training import events as told
from webapp.core import devices, engine
from webapp.core.errors import UserError, log_bug
from webapp.core.heartbeat import beating
from webapp.runs import lifecycle, workspace
from webapp.runs.models import Run

logger = logging.getLogger(__name__)

HEARTBEAT = 5.0
"""Seconds between two signs of life."""


@shared_task
def execute_run(run_id: int) -> None:
    """Train one queued run from claim to end. Safe to deliver twice, late or never."""
    with devices.take() as slot:
        run = lifecycle.claim_run(run_id)
        if run is None:
            return
        with beating(lambda: lifecycle.beat(run), every=HEARTBEAT, name=f"run {run.pk}"):
            try:
                catch_up(run)
                folder = workspace.open_folder(run)
                with engine.start(folder, slot) as process:
                    ending = watch(run, process)
                settle(run, process, ending)
            except Exception as error:
                lifecycle.fail(run, _what_happened(error))
            finally:
                workspace.leave(run)


def catch_up(run: Run) -> None:
    """Record what an earlier engine still wrote after its worker had died: points, and perhaps a checkpoint."""
    from webapp.runs.curves.series_writer import Writer

    if folder := workspace.left_behind(run):
        engine.clear(folder)
        events, offset = engine.read_rest(folder, run.events_read)
        lifecycle.record_events(run, events, Writer(run.pk), offset=offset)


def watch(run: Run, process: engine.EngineProcess) -> told.Event | None:
    """Follow the engine until it has ended, and pass on what people ask for; returns its last word, if it had one."""
    from webapp.runs.curves.series_writer import Writer

    curves = Writer(run.pk)
    ending = None
    for events in process.follow():
        if not lifecycle.record_events(run, events, curves, offset=process.offset):
            process.kill()
            return None
        if run.status == Run.Status.STOPPING and not run.keep:
            process.kill()
        elif run.status == Run.Status.STOPPING or engine.closing.is_set():
            process.ask_to_stop()
        for event in events:
            if isinstance(event, told.Checkpoint):
                workspace.keep_checkpoint(run, event.step)
            if isinstance(event, told.Finished | told.Stopped | told.Failed):
                ending = event
    return ending


def settle(run: Run, process: engine.EngineProcess, ending: told.Event | None) -> None:
    """The engine is gone: say how the run ended, from its last word or else from how it died."""
    match ending:
        case told.Finished():
            report = workspace.keep_results(run)
            lifecycle.finish(run, report, folder_bytes=workspace.size(run))
        case told.Failed():
            remedy = {"code": ending.code, "message": ending.message, "hint": ending.hint, "remedy": ending.remedy}
            lifecycle.fail(run, remedy)
        case _ if run.status == Run.Status.STOPPING:
            lifecycle.stop(run)
        case told.Stopped():
            lifecycle.requeue(run)
        case _ if process.exit is None:
            lifecycle.interrupt(run)
        case _:
            lifecycle.fail(run, _how_it_died(run, process.exit or 0))


@shared_task
def tend_runs() -> None:
    """Bring runs whose worker fell silent back into the queue, and ring for those that wait unheard."""
    for run in lifecycle.silent_runs():
        logger.warning("Run %d: nothing heard of %s any more", run.pk, run.worker)
        lifecycle.interrupt(run)
    ring_for_waiting()


def greet() -> None:
    """Called when a worker that trains has started: what its predecessor on this machine left goes on at once."""
    engine.warm_up()
    for run in lifecycle.abandoned_runs():
        logger.warning("Run %d: its worker %s has died", run.pk, run.worker)
        lifecycle.interrupt(run)
    ring_for_waiting()


def ring(run_id: int) -> None:
    """Call a worker; if Redis is away, `tend_runs` will call again."""
    try:
        execute_run.apply_async((run_id,), retry=False)
    except OperationalError as error:
        logger.warning("Run %d waits without a bell: %s", run_id, error)


def ring_for_waiting() -> None:
    """Call a worker for every waiting run, unless as many calls lie unanswered in Redis."""
    waiting = list(Run.objects.waiting().values_list("pk", flat=True))
    if waiting and len(waiting) > _unanswered():
        for pk in waiting:
            ring(pk)


def _unanswered() -> int:
    with current_app.connection_for_write() as broker:
        channel: Any = broker.default_channel
        return int(channel.queue_declare(queue="train").message_count)


def _what_happened(error: Exception) -> dict[str, Any]:
    """The supervisor's own trouble in words."""
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        return _disk_full()
    if isinstance(error, UserError):
        return {"code": error.code, "message": error.message, "hint": error.hint}
    number = log_bug("execute_run")
    return {
        "code": "bug",
        "message": _("The training broke off through a fault of Touchstone (error %(number)s).") % {"number": number},
        "hint": _("Start it again; if it happens again, tell your administrator that number."),
    }


def _how_it_died(run: Run, status: int) -> dict[str, Any]:
    """An engine that ended without a last word: killed from outside, or it could not even write."""
    if status == -signal.SIGKILL:
        return _killed(run)
    if _free_bytes(workspace.local_path(run)) < 2**20:
        return _disk_full()
    return {
        "code": "crashed",
        "message": _("The training process broke down (exit status %(status)d).") % {"status": status},
        "hint": _("Its last words are in engine.log under Files. Start it again, or choose a smaller network."),
    }


def _killed(run: Run) -> dict[str, Any]:
    recipe = run.train_spec().recipe
    halved = {"batch_size": max(1, recipe.batch_size // 2), "accumulate": recipe.accumulate * 2}
    return {
        "code": "killed",
        "message": _("The system ended the training process, most likely because memory ran out."),
        "hint": _("Resume it if there is a checkpoint, or retry with batches of %(size)d.")
        % {"size": halved["batch_size"]},
        "remedy": halved if recipe.batch_size > 1 else {},
    }


def _disk_full() -> dict[str, Any]:
    return {
        "code": "disk_full",
        "message": _("The disk is full."),
        "hint": _("Delete runs or data sets that nobody needs, then resume this run or start it again."),
    }


def _free_bytes(folder: Path) -> int:
    import shutil

    return shutil.disk_usage(folder).free
