"""Live news: what a viewer costs, how late a frame comes, and how soon a started run is seen.

`python benchmarks/live.py [VIEWERS] [SECONDS]` starts the web server, a Redis and a worker that trains, and prints:

- with VIEWERS (1,000) open streams of one run and ten frames a second: processor time of the web process per delivered
  event, and the age of events when they arrive;
- for trainings of a small table, n = 5: from the request to the first point in a viewer's hands, and the age of points,
  from the line that the engine wrote to the viewer.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
FOLDER = Path(tempfile.mkdtemp(prefix="touchstone-live-"))
PORT = int(os.environ.get("PORT", "8139"))
SETTINGS = {
    "TOUCHSTONE_DATA": str(FOLDER),
    "DJANGO_SETTINGS_MODULE": "webapp.settings",
    "TOUCHSTONE_LOG_LEVEL": "ERROR",
    "TOUCHSTONE_API_RATE": "100000/min",
}
os.environ.update(SETTINGS)

import django

django.setup()

import orjson
import psutil
from django.conf import settings
from django.core.management import call_command

from training.data.importing import import_dataset
from training.data.schema import Description
from webapp.core import live, redis_server
from webapp.core.management.commands.serve import processes
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.projects.models import Membership, User
from webapp.projects.services import create_project, create_token
from webapp.runs import services
from webapp.runs.models import Run

FRAMES_PER_SECOND, TRAININGS = 10, 5


def main(viewers: int, seconds: float) -> None:
    """Start everything, measure, end everything."""
    started: list[subprocess.Popen[bytes]] = []
    try:
        started.append(subprocess.Popen(redis_server.command(FOLDER, Path(settings.REDIS_URL.removeprefix("unix://")))))
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        commands = processes("127.0.0.1", PORT)
        started += [subprocess.Popen(commands[name], stdout=subprocess.DEVNULL) for name in ("web", "train")]
        seat, token, version = make_project()
        wait_until_ready()
        asyncio.run(measure_viewers(started[1].pid, queue(seat, version).pk, token, viewers, seconds))
        asyncio.run(measure_trainings(seat, version, token))
    finally:
        for process in reversed(started):
            process.terminate()
            process.wait()
        shutil.rmtree(FOLDER, ignore_errors=True)


async def measure_viewers(web: int, run: int, token: str, viewers: int, seconds: float) -> None:
    """Frames like those of a busy run, sent to everybody."""
    ages: list[float] = []
    seated: list[bool] = []
    tasks = []
    for _ in range(viewers):
        tasks.append(asyncio.create_task(watch(f"/api/v1/runs/{run}/events/", token, ages, seated)))
        await asyncio.sleep(0.005)
    while len(seated) < viewers:
        await asyncio.sleep(0.1)
    family = [psutil.Process(web), *psutil.Process(web).children(recursive=True)]
    ages.clear()
    before = cpu(family)
    frame = {"points": {name: {"steps": list(range(32)), "values": [0.123456] * 32} for name in ("a", "b", "c")}}
    for _ in range(int(seconds * FRAMES_PER_SECOND)):
        await asyncio.to_thread(live.publish, f"run-{run}", "bench", {"time": time.time(), **frame})
        await asyncio.sleep(1 / FRAMES_PER_SECOND)
    await asyncio.sleep(1)
    spent = cpu(family) - before
    for task in tasks:
        task.cancel()
    ages.sort()
    late = f"p50 {1000 * ages[len(ages) // 2]:.0f} ms, p99 {1000 * ages[int(len(ages) * 0.99)]:.0f} ms"
    print(f"{viewers} viewers: {len(ages):,} events, {1e6 * spent / len(ages):.0f} µs CPU each, {late}")


async def measure_trainings(seat: Membership, version: DatasetVersion, token: str) -> None:
    """Start → first point, and how old points are when they arrive; the first training warms everything up."""
    firsts, ages = [], []
    for number in range(TRAININGS + 1):
        before = time.time()
        run = await asyncio.to_thread(queue, seat, version)
        async with asyncio.timeout(300):
            async for event, data in listen(f"/api/v1/runs/{run.pk}/events/?after=0-0", token):
                if event == "progress" and data["points"] and number:
                    ages.append(time.time() - data["time"])
                    if len(firsts) < number:
                        firsts.append(time.time() - before)
                if event == "status" and data["status"] in ("finished", "failed"):
                    break
    ages.sort()
    print(
        f"start to first point: median {statistics.median(firsts):.2f} s, longest {max(firsts):.2f} s, n = {TRAININGS}"
    )
    late = f"p50 {1000 * ages[len(ages) // 2]:.0f} ms, p95 {1000 * ages[int(len(ages) * 0.95)]:.0f} ms"
    print(f"engine wrote a point → it is with the viewer: {late}, n = {len(ages):,}")


async def watch(path: str, token: str, ages: list[float], seated: list[bool]) -> None:
    """One viewer that says when it sits, and notes how old each frame is."""
    async for event, data in listen(path, token):
        if event == "status":
            seated.append(True)
        if event == "bench":
            ages.append(time.time() - data["time"])


async def listen(path: str, token: str) -> AsyncIterator[tuple[str, Any]]:
    """The events of a stream, read from a plain socket so that the reader costs little."""
    reader, writer = await asyncio.open_connection("127.0.0.1", PORT)
    head = (
        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nAccept: text/event-stream\r\n\r\n"
    )
    writer.write(head.encode())
    event = ""
    try:
        while line := await reader.readline():
            if line.startswith(b"event: "):
                event = line[7:].strip().decode()
            elif line.startswith(b"data: "):
                yield event, orjson.loads(line[6:])
    finally:
        writer.close()


def cpu(family: list[psutil.Process]) -> float:
    """Processor seconds of some processes."""
    return sum(sum(process.cpu_times()[:2]) for process in family)


def wait_until_ready() -> None:
    """Until the web process answers."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{PORT}/healthz") as answer:
                return answer.close()
        except OSError:
            time.sleep(0.1)
    raise SystemExit("the web process does not answer")


def queue(seat: Membership, version: DatasetVersion) -> Run:
    """A small training."""
    return services.queue_run(member=seat, version=version, spec=services.propose_spec(version, preset="quick"))


def make_project() -> tuple[Membership, str, DatasetVersion]:
    """Somebody with a token and a small table."""
    user = User.objects.create_user("bench", "bench@example.org", "stone-and-gold-1")
    seat = create_project(owner=user, name="Bench")
    table, folder = FOLDER / "table.csv", FOLDER / "files" / "datasets" / "1" / "v1"
    rows = [f"{n % 7},{n % 11},{'a' if n % 7 + n % 11 > 8 else 'b'}" for n in range(400)]
    table.write_text("\n".join(["x,y,kind", *rows]))
    folder.parent.mkdir(parents=True)
    for _phase in import_dataset([table], folder):
        pass
    facts = Description.model_validate_json((folder / "dataset.json").read_bytes())
    dataset = Dataset.objects.create(
        project=seat.project, owner=user, name="Table", status=Dataset.Status.READY, filename="table.csv", source="x"
    )
    version = DatasetVersion.objects.create(
        dataset=dataset, folder="datasets/1/v1", rows=facts.rows, bytes=1, description=facts.model_dump(mode="json")
    )
    return seat, create_token(user=user, name="bench"), version


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000, float(sys.argv[2]) if len(sys.argv) > 2 else 10)
