"""Everything on one machine: `manage.py serve` prepares the data folder and runs web, workers, beat and Redis."""

import os
import shlex
import signal
import subprocess
import sys
import time
from argparse import ArgumentParser
from pathlib import Path
from typing import Any, TextIO

from django.conf import settings
from django.core.management import call_command
from django.core.management.base import BaseCommand
from honcho import manager as honcho
from honcho.manager import Manager

from webapp.core import devices, redis_server
from webapp.core.hold import hold

PYTHON = sys.executable
CELERY = [PYTHON, "-m", "celery", "--quiet", "-A", "webapp.celery", "--skip-checks"]
ALONE = ["--without-gossip", "--without-mingle"]
KILL_WAIT = 20
"""Seconds that processes have to end in: engines save their checkpoints first."""
FRUGAL = {
    "MALLOC_ARENA_MAX": "1",
    "MALLOC_MMAP_THRESHOLD_": str(2**16),
    "MALLOC_TRIM_THRESHOLD_": str(2**17),
    "_RJEM_MALLOC_CONF": "narenas:1,dirty_decay_ms:1000,muzzy_decay_ms:0",
}
"""How a web process gives back what a large page or upload took: glibc's settings, and those of granian's jemalloc."""


class Command(BaseCommand):
    help = "Prepare the data folder and run the whole product on this machine."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default=os.environ.get("TOUCHSTONE_HOST", "127.0.0.1"))
        parser.add_argument("--port", type=int, default=int(os.environ.get("PORT", "8000")))

    def handle(self, *, host: str, port: int, **options: Any) -> None:
        """Prepare, start, wait for Ctrl-C, and leave no child behind."""
        settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
        lock = hold(settings.DATA_DIR, patience=3 * KILL_WAIT)
        redis = _start_redis(lock)
        models = subprocess.Popen(["nice", PYTHON, "-m", "training", "prepare-models"], cwd=settings.BASE_DIR)
        try:
            self._prepare()
            self.stdout.write(f"\n  Touchstone is starting at http://{host}:{port}/ (Ctrl-C ends it)\n\n")
            self.stdout.flush()
            _run_until_asked(processes(host, port))
        finally:
            models.terminate()
            models.wait()
            if redis is not None:
                os.killpg(redis.pid, signal.SIGTERM)
                redis.wait()

    def _prepare(self) -> None:
        call_command("migrate", verbosity=0)
        call_command("collectstatic", verbosity=0, interactive=False)
        call_command("ensure_admin")
        call_command("ensure_starters")


def processes(host: str, port: int) -> dict[str, list[str]]:
    """The command line of every process by name; the same ones docker-compose.yml runs in containers."""
    return {
        "web": [
            PYTHON, "-m", "granian", "--interface", "asginl", "--host", host, "--port", str(port),
            "--loop", "uvloop", "--no-ws", "--backlog", "8192", "--backpressure", "8192", "--log-level", "warning",
            "--workers-kill-timeout", "3", "--respawn-failed-workers", "--static-path-route", "/static",
            "--static-path-mount", str(settings.STATIC_ROOT), "--static-path-expires", "31536000",
            "webapp.asgi:application",
        ],
        "default": _worker("default", threads=2),
        "train": _worker("train", threads=len(devices.slots())),
        "playground": _worker("playground", threads=8),
        "beat": [*CELERY, "beat", "-s", str(settings.DATA_DIR / "beat-schedule")],
    }  # fmt: skip


def _worker(queue: str, *, threads: int) -> list[str]:
    return [*CELERY, "worker", *ALONE, "-n", f"{queue}@%h", "-Q", queue, "-P", "threads", "-c", str(threads)]


def _kept(command: list[str], grace: int = 0) -> list[str]:
    return [PYTHON, "-m", "webapp.core.keep", str(os.getpid()), str(grace), *command]


def _run_until_asked(commands: dict[str, list[str]]) -> None:
    honcho.KILL_WAIT = KILL_WAIT
    supervisor = Manager()
    environment = {
        "MALLOC_ARENA_MAX": "2",  # threads share what they free: a few megabytes less in each process
        **os.environ,
        "PYTHONUNBUFFERED": "1",
        "DJANGO_SETTINGS_MODULE": "webapp.settings",
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    for name, command in commands.items():
        own = environment | FRUGAL if name == "web" else environment
        supervisor.add_process(name, f"exec {shlex.join(_kept(command))}", env=own, cwd=settings.BASE_DIR)
    supervisor.loop()


def _start_redis(lock: TextIO) -> "subprocess.Popen[bytes] | None":
    """The private Redis, in a group of its own so that it is the last to end; None if REDIS_URL names another.

    Its keeper holds the data folder too: whoever begins after this process was killed waits for it.
    """
    if "REDIS_URL" in os.environ:
        return None
    socket = Path(settings.REDIS_URL.removeprefix("unix://"))
    socket.unlink(missing_ok=True)
    command = _kept(redis_server.command(settings.DATA_DIR, socket), grace=KILL_WAIT)
    process = subprocess.Popen(command, start_new_session=True, cwd=settings.BASE_DIR, pass_fds=[lock.fileno()])
    deadline = time.monotonic() + 20
    while not socket.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("Redis did not start; its reason is above.")
        time.sleep(0.02)
    return process
