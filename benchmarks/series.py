"""Curves: what it costs to take points in, to keep them, and to look at them, beside one database row per point.

`python benchmarks/series.py` measures in one run, alternating, n rounds each, and prints medians of processor time:

- ingest: engine → events.jsonl → supervisor → database, per point, in the training process and in the supervisor;
- bytes per point at rest;
- opening a curve of a million points through the API, with all of Django's middleware, and how many of its spikes show;
- comparing 50 runs of 10,000 points.

The control keeps one SQLite row per point, written in batches, and draws every n-th point.
"""

from __future__ import annotations

import os
import resource
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FOLDER = Path(tempfile.mkdtemp(prefix="touchstone-series-"))
os.environ |= {
    "TOUCHSTONE_DATA": str(FOLDER),
    "DJANGO_SETTINGS_MODULE": "webapp.settings",
    "TOUCHSTONE_LOG_LEVEL": "ERROR",
}
os.environ["TOUCHSTONE_API_RATE"] = "100000/min"

import django

django.setup()

import numpy as np
import psutil
from django.conf import settings
from django.core.management import call_command
from django.test import Client

from training.events import Points, Progress, parse_event
from webapp.core import apart, redis_server
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.projects.models import User
from webapp.projects.services import create_project, create_token
from webapp.runs import lifecycle
from webapp.runs.curves import series
from webapp.runs.curves.series_writer import Writer
from webapp.runs.models import Run, SeriesChunk

POINTS, BLOCK, SHOWN, ROUNDS = 1_000_000, 30_000, 2_000, 5
RUNS, EACH = 50, 10_000


def main() -> None:
    """Measure and print, on a database and a Redis of its own."""
    socket = Path(settings.REDIS_URL.removeprefix("unix://"))
    redis = subprocess.Popen(redis_server.command(FOLDER, socket))
    try:
        call_command("migrate", verbosity=0)
        measure()
    finally:
        redis.terminate()
        redis.wait()
        shutil.rmtree(FOLDER, ignore_errors=True)


def measure() -> None:
    """Everything, in one run."""
    values, spikes = noisy_curve()
    api = make_api()
    ingested = [ingest(values) for _ in range(ROUNDS)]
    run = ingested[-1][0]
    controls = [ingest_rows(values, number) for number in range(ROUNDS)]
    engine = statistics.median(each[1] for each in ingested)
    supervisor = statistics.median(each[2] for each in ingested)
    print(f"points: {POINTS:,}, n = {ROUNDS}")
    print(f"engine: {1e6 * engine / POINTS:.2f} µs per point; supervisor: {POINTS / supervisor:,.0f} points per CPU s")
    print(f"control, one row each: {POINTS / statistics.median(controls):,.0f} points per CPU s")
    print(f"at rest: {bytes_per_point(run):.1f} bytes per point, control {control_bytes():.1f}")
    open_curve(api, run, spikes)
    compare(api)


def noisy_curve() -> tuple[list[float], set[int]]:
    """A falling curve with noise and 20 spikes; values as a float32 loss has them."""
    random = np.random.default_rng(0)
    values = np.exp(-np.arange(POINTS) / 3e5) + random.normal(0, 0.1, POINTS)
    spikes = random.choice(POINTS, 20, replace=False)
    values[spikes] += random.choice([-9.0, 9.0], 20)
    return values.astype(np.float32).astype(float).tolist(), {int(place) + 1 for place in spikes}


def ingest(values: list[float]) -> tuple[Run, float, float]:
    """A new run with the whole curve, and the CPU seconds of the engine's and of the supervisor's side."""
    run = lifecycle.claim_run(make_run().pk)
    assert run
    writer, engine, supervisor = Writer(run.pk), 0.0, 0.0
    path = FOLDER / "events.jsonl"
    for start in range(0, POINTS, BLOCK):
        part = values[start : start + BLOCK]
        steps = list(range(start + 1, start + 1 + len(part)))
        seconds = [step * 343e-6 for step in steps]
        before = time.process_time()
        points = {"train/loss": Points(steps=steps, seconds=seconds, values=part)}
        event = Progress(step=steps[-1], steps=POINTS, epoch=1, seconds=seconds[-1], points=points)
        path.write_bytes(event.model_dump_json().encode() + b"\n")
        between = time.process_time()
        events = [parse_event(line) for line in path.read_bytes().splitlines()]
        assert lifecycle.record_events(run, events, writer)
        engine += between - before
        supervisor += time.process_time() - between
    return run, engine, supervisor


def ingest_rows(values: list[float], number: int) -> float:
    """CPU seconds to write the same points as rows of a plain SQLite table, in batches."""
    database = sqlite3.connect(FOLDER / f"rows-{number}.sqlite3")
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("CREATE TABLE point (run INT, name TEXT, step INT, seconds REAL, value REAL)")
    database.execute("CREATE INDEX place ON point (run, name, step)")
    before = time.process_time()
    for start in range(0, POINTS, BLOCK):
        rows = [
            (1, "train/loss", start + at + 1, (start + at) * 343e-6, value)
            for at, value in enumerate(values[start : start + BLOCK])
        ]
        with database:
            database.executemany("INSERT INTO point VALUES (?, ?, ?, ?, ?)", rows)
    spent = time.process_time() - before
    database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    database.close()
    return spent


def bytes_per_point(run: Run) -> float:
    """Everything the run's chunks take, their small columns included."""
    chunks = SeriesChunk.objects.filter(run=run)
    return sum(len(chunk.data) + len(chunk.coarse) + 80 for chunk in chunks) / POINTS


def control_bytes() -> float:
    """The control's file, index included."""
    return (FOLDER / "rows-0.sqlite3").stat().st_size / POINTS


def open_curve(api: Client, run: Run, spikes: set[int]) -> None:
    """One curve through the API, and through the control's every n-th row."""
    url = f"/api/v1/runs/{run.pk}/series/?names=train/loss&points={SHOWN}"
    answers = [measured(lambda: api.get(url)) for _ in range(ROUNDS + 1)][1:]
    body = answers[-1][0].content
    shown = set(answers[-1][0].json()["series"]["train/loss"]["x"])
    cpu, wall = (1000 * statistics.median(each[at] for each in answers) for at in (1, 2))
    found = f"{len(body) / 1000:.0f} KB, {len(shown & spikes)} of 20 spikes"
    print(f"open 1 M points: {cpu:.1f} ms CPU, {wall:.1f} ms, {found}")
    rows = [measured(read_every_nth) for _ in range(ROUNDS)]
    seen = set(rows[-1][0])
    print(
        f"control: {1000 * statistics.median(each[1] for each in rows):.1f} ms CPU, {len(seen & spikes)} of 20 spikes"
    )


def read_every_nth() -> list[int]:
    """What a plain table gives for a chart."""
    database = sqlite3.connect(FOLDER / "rows-0.sqlite3")
    query = "SELECT step, value FROM point WHERE run = 1 AND name = 'train/loss' AND step % ? = 0 ORDER BY step"
    return [step for step, _value in database.execute(query, (POINTS // SHOWN,))]


def compare(api: Client) -> None:
    """The curves of many runs at once."""
    random = np.random.default_rng(1)
    runs = [make_run() for _ in range(RUNS)]
    for run in runs:
        values = random.normal(size=EACH).astype(np.float32).astype(float).tolist()
        steps = list(range(1, EACH + 1))
        Writer(run.pk).append(
            {"train/loss": Points(steps=steps, seconds=[step * 1e-3 for step in steps], values=values)}
        )
    curves = [measured(lambda: series.dumps(series.read_many(runs, ["train/loss"], 500))) for _ in range(ROUNDS)]
    url = f"/api/v1/compare/?runs={','.join(str(run.pk) for run in runs)}"
    pages = [measured(lambda: api.get(url)) for _ in range(ROUNDS + 1)][1:]
    assert pages[-1][0].status_code == 200
    for what, answers in ((f"curves of {RUNS} × {EACH:,}", curves), ("the whole comparison through the API", pages)):
        cpu, wall = (1000 * statistics.median(each[at] for each in answers) for at in (1, 2))
        print(f"{what}: {cpu:.0f} ms CPU, {wall:.0f} ms")


def measured(work: Callable[[], Any]) -> tuple[Any, float, float]:
    """The result, the CPU seconds of this process and its helper, and the seconds on the clock."""
    cpu, wall = spent(), time.perf_counter()
    result = work()
    return result, spent() - cpu, time.perf_counter() - wall


def spent() -> float:
    """CPU seconds of this process and of the helper beside it."""
    own = resource.getrusage(resource.RUSAGE_SELF)
    helper = apart._helper._process
    beside = psutil.Process(helper.pid).cpu_times() if helper else None
    return own.ru_utime + own.ru_stime + (beside.user + beside.system if beside else 0.0)


def make_api() -> Client:
    """A program with a token."""
    user = User.objects.create_user("bench", "bench@example.org", "stone-and-gold-1")
    project = create_project(owner=user, name="Bench").project
    dataset = Dataset.objects.create(project=project, owner=user, name="d", filename="d.csv", source="d")
    DatasetVersion.objects.create(dataset=dataset, folder="d", rows=1, bytes=1, description={})
    return Client(SERVER_NAME="localhost", headers={"Authorization": f"Bearer {create_token(user=user, name='bench')}"})


def make_run() -> Run:
    """A run without an engine."""
    version = DatasetVersion.objects.select_related("dataset").get()
    roles = {"target": ["a"], "features": ["b"]}
    spec = {"task": "tabular-classification", "data": "", "roles": roles, "architecture": "mlp"}
    return Run.objects.create(
        project=version.dataset.project, owner=version.dataset.owner, version=version, name="bench",
        slug=f"bench-{time.monotonic_ns()}", spec=spec, task=spec["task"], architecture="mlp",
    )  # fmt: skip


if __name__ == "__main__":
    main()
