"""Who may move a run, and what its row says afterwards. No engine needed: its words are made here."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import now
from runs_kit import points, status_of

from training import events as told
from webapp.core.errors import UserError
from webapp.runs import lifecycle, services, workspace
from webapp.runs.curves.series_writer import Writer
from webapp.runs.models import Run


@pytest.fixture
def held(run):
    """The run in this worker's hands."""
    return lifecycle.claim_run(run.pk)


def progress(step, **curves):
    return told.Progress(
        step=step, steps=100, epoch=step / 10, seconds=step * 0.01, eta_seconds=1.5,
        points={name.replace("__", "/"): value for name, value in curves.items()},
    )  # fmt: skip


def test_only_one_worker_gets_a_run(run):
    assert lifecycle.claim_run(run.pk).pk == run.pk
    assert lifecycle.claim_run(run.pk) is None


def test_a_run_that_was_deleted_is_nobodys(run):
    services_pk = run.pk
    Run.objects.all().delete()
    assert lifecycle.claim_run(services_pk) is None


def test_what_the_engine_tells_is_on_the_row_the_curves_and_the_log(held):
    kept = lifecycle.record_events(
        held,
        [
            told.Started(parameters=77, trainable=77, device="CPU", steps=100, epochs=10, rows={"train": 80}),
            told.Phase(name="training", title="Training"),
            progress(10, train__loss=points(range(1, 11)), val__accuracy=points([5, 10], lambda step: 1 / step)),
            told.Checkpoint(step=10),
        ],
        Writer(held.pk),
    )
    row = Run.objects.get(pk=held.pk)
    assert kept
    assert (row.step, row.steps, row.epoch, row.parameters, row.phase) == (10, 100, 1.0, 77, "Training")
    assert row.checkpoint_step == 10
    assert row.metrics["train/loss"] == {"last": 10.0, "best": 1.0}
    assert row.metrics["val/accuracy"] == {"last": 0.1, "best": 0.2}
    assert [note.kind for note in row.notes.all()] == ["started", "phase", "checkpoint"]


def test_a_loss_that_is_not_a_number_is_no_best_value(held):
    lifecycle.record_events(
        held, [progress(2, train__loss=points([1, 2], lambda s: 3.0 if s == 1 else float("nan")))], Writer(held.pk)
    )
    assert Run.objects.get(pk=held.pk).metrics["train/loss"] == {"last": None, "best": 3.0}


def test_a_worker_that_was_thought_dead_can_no_longer_write(held):
    lifecycle.interrupt(held)
    again = lifecycle.claim_run(held.pk)
    assert not lifecycle.record_events(held, [progress(1, train__loss=points([1]))], Writer(held.pk))
    assert not lifecycle.beat(held)
    lifecycle.fail(held, {"code": "bug", "message": "", "hint": ""})
    assert status_of(held) == Run.Status.RUNNING
    assert lifecycle.beat(again)


def test_a_block_is_written_whole_or_not_at_all(held):
    impossible = told.Checkpoint(step=-1)  # the database refuses it after the points were written
    with pytest.raises(IntegrityError), transaction.atomic():
        lifecycle.record_events(held, [progress(1, train__loss=points([1])), impossible], Writer(held.pk))
    assert Run.objects.get(pk=held.pk).step == 0
    assert not held.chunks.exists()


def test_a_queued_run_stops_at_once(run):
    lifecycle.ask_to_stop(run, keep=True)
    assert status_of(run) == Run.Status.STOPPED
    assert lifecycle.claim_run(run.pk) is None


def test_two_people_press_stop_and_nothing_breaks(held):
    lifecycle.ask_to_stop(held, keep=True)
    lifecycle.ask_to_stop(held, keep=True)
    assert status_of(held) == Run.Status.STOPPING
    lifecycle.stop(held)
    lifecycle.ask_to_stop(held, keep=True)
    assert status_of(held) == Run.Status.STOPPED


def test_discard_wins_over_keep_whoever_pressed_first(held):
    stale = Run.objects.get(pk=held.pk)
    lifecycle.ask_to_stop(held, keep=False)
    lifecycle.ask_to_stop(stale, keep=True)
    assert Run.objects.get(pk=held.pk).keep is False


def test_the_supervisor_hears_that_somebody_pressed_stop(held):
    lifecycle.ask_to_stop(Run.objects.get(pk=held.pk), keep=False)
    assert lifecycle.record_events(held, [], Writer(held.pk))
    assert (held.status, held.keep) == (Run.Status.STOPPING, False)


def test_a_run_that_has_ended_cannot_be_stopped(held):
    lifecycle.fail(held, {"code": "bug", "message": "x", "hint": "y"})
    with pytest.raises(UserError, match="already ended"):
        lifecycle.ask_to_stop(held, keep=True)


def test_discarding_deletes_the_files_and_keeps_the_row(held):
    folder = workspace.open_folder(held)
    lifecycle.ask_to_stop(held, keep=False)
    lifecycle.stop(held)
    assert not folder.exists()
    assert status_of(held) == Run.Status.STOPPED


def test_a_stopped_run_goes_on_only_from_a_checkpoint(held):
    lifecycle.ask_to_stop(held, keep=True)
    lifecycle.stop(held)
    with pytest.raises(UserError, match="no checkpoint"):
        services.resume_run(held)
    Run.objects.filter(pk=held.pk).update(checkpoint_step=40)
    services.resume_run(held)
    assert status_of(held) == Run.Status.QUEUED


def test_of_two_who_press_resume_one_succeeds(held):
    lifecycle.stop(held)
    Run.objects.filter(pk=held.pk).update(checkpoint_step=40)
    assert lifecycle.resume(held)
    assert not lifecycle.resume(held)


def test_a_run_whose_worker_fell_silent_is_found(held):
    assert lifecycle.silent_runs() == []
    Run.objects.filter(pk=held.pk).update(heartbeat=now() - lifecycle.SILENCE - timedelta(seconds=1))
    assert lifecycle.silent_runs() == [held]


def test_a_run_that_kills_its_workers_fails_with_words(held):
    for _ in range(lifecycle.MOST_INTERRUPTIONS - 1):
        lifecycle.interrupt(held)
        assert status_of(held) == Run.Status.QUEUED
        held = lifecycle.claim_run(held.pk)
    lifecycle.interrupt(held)
    held.refresh_from_db()
    assert held.status == Run.Status.FAILED
    assert held.error["code"] == "worker_lost"
    assert held.error["hint"]


def test_a_checkpoint_forgives_earlier_interruptions(held):
    lifecycle.interrupt(held)
    held = lifecycle.claim_run(held.pk)
    lifecycle.record_events(held, [told.Checkpoint(step=5)], Writer(held.pk))
    assert Run.objects.get(pk=held.pk).interruptions == 0


def test_a_stopping_run_whose_worker_vanished_is_stopped(held):
    lifecycle.ask_to_stop(held, keep=True)
    held.refresh_from_db()
    lifecycle.interrupt(held)
    assert status_of(held) == Run.Status.STOPPED


def test_runs_of_this_machines_dead_workers_are_found(held):
    assert lifecycle.abandoned_runs() == [held]  # our own number can only be an earlier worker's
    Run.objects.filter(pk=held.pk).update(worker=lifecycle.worker_name().rpartition(":")[0] + ":1")
    assert lifecycle.abandoned_runs() == []  # process 1 lives
    Run.objects.filter(pk=held.pk).update(worker="another-machine:4711")
    assert lifecycle.abandoned_runs() == []


def test_an_active_run_cannot_be_deleted(held):
    with pytest.raises(UserError, match="still going"):
        services.delete_run(held)
    lifecycle.stop(held)
    services.delete_run(held)
    assert not Run.objects.exists()
