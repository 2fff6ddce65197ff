"""What tests of runs share: small data, short trainings, a worker in its own process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from django.conf import settings
from django.core.files.storage import default_storage
from django.db import connection

from training.data.importing import import_dataset
from training.data.schema import Description
from training.events import Points
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.projects.models import Membership
from webapp.runs import jobs, services
from webapp.runs.models import Run

ROOT = Path(__file__).parent.parent.parent


def flowers(rows: int = 200) -> str:
    """A table of two kinds of flower that differ in size, with a colour that says nothing."""
    random = np.random.default_rng(0)
    kind = random.integers(0, 2, rows)
    size = kind * 2.0 + random.normal(size=rows)
    colours = random.choice(["red", "blue"], rows)
    lines = [
        f"{size[at]:.3f},{size[at] * 3 + random.normal():.3f},{colours[at]},{'rose' if kind[at] else 'tulip'}"
        for at in range(rows)
    ]
    return "\n".join(["size,weight,colour,kind", *lines])


def make_version(
    seat: Membership, tmp_path: Path, text: str = "", name: str = "Flowers", file: Path | None = None
) -> DatasetVersion:
    """A ready data set, imported from a CSV file, or the file that is given, as the worker would."""
    ready = Dataset.Status.READY
    dataset = Dataset.objects.create(
        project=seat.project, owner=seat.user, name=name, status=ready, filename="flowers.csv", source="x"
    )
    path, folder = file or tmp_path / f"{name}.csv", Path(default_storage.path(f"{dataset.folder}/v1"))
    if file is None:
        path.write_text(text or flowers())
    folder.parent.mkdir(parents=True, exist_ok=True)
    for _phase in import_dataset([path], folder):
        pass
    description = Description.model_validate_json((folder / "dataset.json").read_bytes())
    return DatasetVersion.objects.create(
        dataset=dataset,
        number=1,
        folder=f"{dataset.folder}/v1",
        rows=description.rows,
        bytes=(folder / "data.parquet").stat().st_size,
        description=description.model_dump(mode="json"),
    )


def queue(seat: Membership, version: DatasetVersion, *, name: str = "", **recipe: Any) -> Run:
    """A queued run of a tiny network; a second of work unless the recipe says otherwise."""
    spec = services.propose_spec(
        version,
        architecture="mlp",
        settings={"hidden_sizes": "8"},
        recipe={"epochs": 3, "batch_size": 16, "evaluations": 3, **recipe},
    )
    return services.queue_run(member=seat, version=version, spec=spec, name=name)


LONG = {"epochs": 9_999, "evaluations": 1, "batch_size": 8}
"""A training that does not end by itself within a test."""


def points(steps: range | list[int], value: Callable[[int], float] = float) -> Points:
    """Points whose values are a function of their steps."""
    return Points(steps=list(steps), seconds=[step * 0.01 for step in steps], values=[value(step) for step in steps])


def wait_for(condition: Callable[[], Any], seconds: float = 120, what: str = "") -> Any:
    """What the condition gives once it is true; fails after some seconds."""
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited {seconds} s in vain: {what or condition}"
        time.sleep(0.02)
    return found


def status_of(run: Run) -> str:
    """The status as the database has it now."""
    return Run.objects.values_list("status", flat=True).get(pk=run.pk)


@contextmanager
def start_worker(queue: str) -> Iterator[subprocess.Popen[bytes]]:
    """A real worker of one queue in a process of its own, on the test's database and Redis; who asks for it ends it."""
    command = [sys.executable, "-m", "celery", "-A", "webapp.celery", "--skip-checks", "worker"]
    with (settings.DATA_DIR / f"{queue}-worker.log").open("ab") as log:
        yield subprocess.Popen(
            [*command, "-n", f"{queue}-{time.monotonic_ns()}@%h", "-Q", queue, "-P", "threads", "-c", "1"],
            cwd=ROOT,
            env={**os.environ, "DATABASE_URL": _database_url(), "DJANGO_SETTINGS_MODULE": "webapp.settings"},
            stdout=log,
            stderr=log,
        )


@contextmanager
def train_worker() -> Iterator[subprocess.Popen[bytes]]:
    """A worker that trains; at the end it is asked to stop, and made to if it does not."""
    with start_worker("train") as process:
        try:
            yield process
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(30)
                except subprocess.TimeoutExpired:
                    process.kill()
            process.wait()


def train_here(run: Run) -> Run:
    """Train in this process, as a worker's thread would."""
    jobs.execute_run(run.pk)
    run.refresh_from_db()
    return run


def _database_url() -> str:
    facts = connection.settings_dict
    if connection.vendor == "sqlite":
        return f"sqlite:///{facts['NAME']}"
    host = facts["HOST"].replace("/", "%2F")
    return f"postgres://{facts['USER']}:{facts['PASSWORD']}@{host}:{facts['PORT'] or 5432}/{facts['NAME']}"
