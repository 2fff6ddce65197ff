"""Trainings with the real engine, and every way in which they can end."""

import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
from celery import Celery
from django.conf import settings
from django.core.files.storage import default_storage
from kombu import pools
from runs_kit import LONG, queue, status_of, train_here, train_worker, wait_for

from webapp.core import devices, engine, storage
from webapp.runs import jobs, lifecycle, services, workspace
from webapp.runs.curves import series
from webapp.runs.models import Run, SeriesChunk

pytestmark = pytest.mark.django_db(transaction=True)


def in_background(run):
    """Train in a thread of this process; join it to know that nobody holds the run any more."""
    thread = threading.Thread(target=work, args=(run,), daemon=True)
    thread.start()
    return thread


def work(run):
    from django.db import connection

    try:
        jobs.execute_run(run.pk)
    finally:
        connection.close()


def learning(run, step=1):
    """Wait until the run has come so far."""
    return wait_for(lambda: Run.objects.filter(pk=run.pk, step__gte=step).first(), what=f"step {step}")


def engine_of(run):
    """The engine's process."""
    pid = int((workspace.local_path(run) / engine.PID).read_text().split()[0])
    return psutil.Process(pid)


def test_a_run_is_trained_judged_and_kept(seat, version):
    run = train_here(queue(seat, version))
    assert run.status == Run.Status.FINISHED, run.error
    assert run.headline["key"] == "accuracy"
    assert run.headline["low"] <= run.headline["value"] <= run.headline["high"]
    assert run.headline["baseline"] is not None
    report = services.read_report(run)
    assert report.metrics["accuracy"].value == run.headline["value"]
    paths = {file["path"] for file in services.list_files(run)}
    assert {"report.json", "predictions.parquet", "spec.json", "model/model.safetensors"} <= paths
    assert run.folder_bytes > 0
    curve = series.read(run, ["train/loss"])["train/loss"]
    assert curve["count"] == run.steps == curve["last_step"]


def test_the_same_message_twice_trains_once(seat, version):
    run = train_here(queue(seat, version))
    ended = run.ended
    assert train_here(run).ended == ended


def test_a_diverging_run_fails_with_words_and_a_remedy(seat, version):
    recipe = {"lr": 100, "optimizer": "sgd", "momentum": 0.99, "epochs": 200}
    roles = {"target": "weight", "features": "size"}
    spec = services.propose_spec(
        version, roles=roles, architecture="linear", settings={"solver": "gradient"}, recipe=recipe
    )
    run = train_here(services.queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FAILED
    assert run.error["code"] == "diverged"
    assert run.error["remedy"] == {"lr": 10}
    assert run.error["hint"]


def test_stop_and_keep_then_resume_gives_the_curve_of_an_unbroken_run(seat, version):
    whole = train_here(queue(seat, version, epochs=60))
    run = queue(seat, version, epochs=60)
    thread = in_background(run)
    learning(run, step=5)
    lifecycle.ask_to_stop(Run.objects.get(pk=run.pk), keep=True)
    thread.join(120)
    run.refresh_from_db()
    if run.status == Run.Status.STOPPED:  # a fast machine may have finished first
        assert 0 < run.checkpoint_step < run.steps
        services.resume_run(run)
        run = train_here(run)
    assert run.status == Run.Status.FINISHED
    curves = [series.read(each, ["train/loss"], points=5_000)["train/loss"] for each in (whole, run)]
    assert curves[0]["x"] == curves[1]["x"]
    assert curves[0]["y"] == curves[1]["y"]


def test_stop_and_discard_ends_at_once_and_leaves_no_file(seat, version):
    run = queue(seat, version, **LONG)
    thread = in_background(run)
    learning(run)
    process = engine_of(run)
    lifecycle.ask_to_stop(Run.objects.get(pk=run.pk), keep=False)
    thread.join(120)
    assert status_of(run) == Run.Status.STOPPED
    assert not workspace.local_path(run).exists()
    assert not process.is_running()


def test_an_engine_that_the_system_kills_fails_with_a_smaller_batch_as_remedy(seat, version):
    run = queue(seat, version, **LONG)
    thread = in_background(run)
    learning(run)
    engine_of(run).kill()
    thread.join(120)
    run.refresh_from_db()
    assert run.status == Run.Status.FAILED
    assert run.error["code"] == "killed"
    assert run.error["remedy"] == {"batch_size": 4, "accumulate": 2}


def test_a_run_goes_back_into_the_queue_when_the_warm_parent_dies_and_a_new_one_takes_over(seat, version):
    run = queue(seat, version, **LONG)
    thread = in_background(run)
    learning(run)
    os.kill(engine._warm_parent().pid, signal.SIGKILL)
    thread.join(120)
    run.refresh_from_db()
    assert (run.status, run.interruptions) == (Run.Status.QUEUED, 1)
    thread = in_background(run)
    before = run.step
    learning(run, step=before + 1)
    lifecycle.ask_to_stop(Run.objects.get(pk=run.pk), keep=True)
    thread.join(120)
    assert status_of(run) == Run.Status.STOPPED


def test_a_full_disk_ends_in_words(seat, version):
    """/dev/full is a disk without a free byte."""
    run = queue(seat, version, **LONG)
    folder = workspace.local_path(run)
    folder.mkdir(parents=True)
    (folder / "checkpoint.new").symlink_to("/dev/full")
    (folder / "spec.json").symlink_to("/dev/full")
    run = train_here(run)
    assert run.status == Run.Status.FAILED
    assert run.error["code"] == "disk_full"
    assert "disk is full" in run.error["message"]


def test_data_that_is_gone_fails_with_words_and_nothing_stays_behind(seat, version):
    run = queue(seat, version)
    default_storage.delete(f"{version.folder}/data.parquet")
    run = train_here(run)
    assert run.status == Run.Status.FAILED
    assert run.error["message"]
    assert run.error["hint"]


def test_a_killed_worker_takes_its_engine_along_and_another_one_goes_on(seat, version):
    run = queue(seat, version, **LONG, checkpoint_seconds=1)
    with train_worker() as worker:
        wait_for(lambda: Run.objects.filter(pk=run.pk, checkpoint_step__gt=0).first(), what="a checkpoint")
        family = [*psutil.Process(worker.pid).children(recursive=True), engine_of(run)]
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        psutil.wait_procs(family, timeout=20)
        assert not [process for process in family if process.is_running()]
    left = Run.objects.get(pk=run.pk)
    assert left.status == Run.Status.RUNNING  # nobody was there to say otherwise
    points = SeriesChunk.objects.filter(run=run, name="train/loss").order_by("number")
    before = sum(points.values_list("count", flat=True))
    with train_worker():  # the next worker of this machine knows that its predecessor is dead
        wait_for(lambda: Run.objects.get(pk=run.pk).attempt == 2, what="the second attempt")
        learning(run, step=left.step + 1)
        lifecycle.ask_to_stop(Run.objects.get(pk=run.pk), keep=True)
        wait_for(lambda: status_of(run) == Run.Status.STOPPED)
    assert "started" in run.notes.values_list("kind", flat=True)
    resumed = run.notes.filter(kind="started").last().data["resumed_from"]
    assert resumed > 0
    steps = series.read(run, ["train/loss"], points=20_000)["train/loss"]
    assert steps["count"] == steps["last_step"] >= before


def test_a_silent_worker_on_another_machine_loses_its_run_to_the_queue(seat, version):
    run = queue(seat, version)
    held = lifecycle.claim_run(run.pk)
    long_ago = held.heartbeat - 2 * lifecycle.SILENCE
    Run.objects.filter(pk=run.pk).update(heartbeat=long_ago, worker="another-machine:1")
    jobs.tend_runs()
    assert status_of(run) == Run.Status.QUEUED


def test_a_worker_that_ends_saves_its_run_first(seat, version):
    run = queue(seat, version, **LONG)
    with train_worker() as worker:
        learning(run)
        worker.send_signal(signal.SIGTERM)
        worker.wait(30)
    run.refresh_from_db()
    assert (run.status, run.interruptions) == (Run.Status.QUEUED, 0)
    assert run.checkpoint_step > 0


def test_a_run_that_was_queued_while_redis_was_away_is_rung_for_later(seat, version, redis):
    run = queue(seat, version)
    redis.flushdb()  # what a Redis forgets that is started anew
    jobs.tend_runs()
    assert redis.llen("train") == 1
    jobs.tend_runs()
    assert redis.llen("train") == 1  # one call for one waiting run
    with train_worker():
        wait_for(lambda: status_of(run) == Run.Status.FINISHED)


def forget_connections(app: Celery) -> None:
    """Have the app connect anew, to where its settings say by now."""
    pools.reset()
    app._pool = app.amqp._producer_pool = None  # type: ignore[attr-defined]


def test_queueing_works_without_redis(seat, version, settings):
    from webapp.celery import app

    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    was = app.conf.broker_url
    try:
        app.conf.broker_url = app.conf.broker_write_url = "redis+socket:///nowhere/redis.sock"
        forget_connections(app)
        run = queue(seat, version)
    finally:
        app.conf.broker_url = app.conf.broker_write_url = was
        forget_connections(app)
    assert status_of(run) == Run.Status.QUEUED


def test_a_slot_is_held_by_one_at_a_time_and_freed_by_death():
    program = "import django; django.setup(); from webapp.core import devices; import time\n"
    program += "with devices.take() as slot: print(slot.key, flush=True); time.sleep(60)"
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "webapp.settings"}
    holders = []
    for _ in devices.slots():
        holder = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=environment)
        assert holder.stdout.readline()
        holders.append(holder)
    taken = threading.Event()

    def take():
        with devices.take():
            taken.set()

    threading.Thread(target=take, daemon=True).start()
    assert not taken.wait(0.3)
    for holder in holders:
        holder.kill()
        holder.wait()
    assert taken.wait(5)


@pytest.fixture
def remote_storage(settings):
    """A storage that is no folder of this machine, as an object store is."""
    settings.STORAGES = {
        **settings.STORAGES,
        "default": {"BACKEND": "django.core.files.storage.InMemoryStorage"},
    }


def test_with_remote_storage_any_machine_can_go_on_and_results_are_all_there(seat, version, remote_storage, tmp_path):
    local = Path(settings.DATA_DIR) / "files" / version.folder
    storage.save_folder(local, version.folder)
    run = queue(seat, version, **LONG)
    thread = in_background(run)
    learning(run, step=5)
    lifecycle.ask_to_stop(Run.objects.get(pk=run.pk), keep=True)
    thread.join(120)
    run.refresh_from_db()
    assert storage.has_file(f"{run.folder}/checkpoint-{run.checkpoint_step}/state.pt")
    assert not workspace.local_path(run).exists()  # another machine would find nothing here either

    spec = run.train_spec()
    short = spec.recipe.model_copy(update={"epochs": (run.checkpoint_step + 40) * 8 / 160})
    Run.objects.filter(pk=run.pk).update(spec=spec.model_copy(update={"recipe": short}).model_dump(mode="json"))
    services.resume_run(run)
    run = train_here(Run.objects.get(pk=run.pk))
    assert run.status == Run.Status.FINISHED, run.error
    assert run.notes.filter(kind="started").last().data["resumed_from"] > 0
    paths = {file["path"] for file in services.list_files(run)}
    assert {"report.json", "predictions.parquet", "model/model.safetensors"} <= paths
    assert not storage.has_file(f"{run.folder}/checkpoint-{run.checkpoint_step}/state.pt")
    assert services.read_report(run).metrics
