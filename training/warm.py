"""A parent that has torch imported and forks an engine per run, so that a run starts in milliseconds.

Reads JSON lines on stdin, `{"id": 1, "folder": "...", "env": {...}}`, and answers on stdout `{"id": 1, "pid": 4711}` at
once and `{"id": 1, "exit": 0}` at the end. When stdin closes, it and its engines end. It never computes anything, so
that neither CUDA nor a thread pool exists before the fork.
"""

from __future__ import annotations

import os
import selectors
import signal
import sys
from pathlib import Path

import orjson


def serve() -> None:
    """Fork engines until stdin closes."""
    preload()
    wake_out, wake_in = os.pipe()
    os.set_blocking(wake_in, False)
    signal.signal(signal.SIGCHLD, lambda number, frame: None)
    signal.set_wakeup_fd(wake_in)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the whole group; the supervisor decides
    runs: dict[int, object] = {}
    _say({"ready": os.getpid()})
    selector = selectors.DefaultSelector()
    selector.register(0, selectors.EVENT_READ)
    selector.register(wake_out, selectors.EVENT_READ)
    rest = b""
    while True:
        for key, _ in selector.select():
            if key.fd == wake_out:
                os.read(wake_out, 4096)
                _reap(runs)
                continue
            block = os.read(0, 65_536)
            if not block:
                _end(runs)
                return
            *lines, rest = (rest + block).split(b"\n")
            for line in lines:
                _start(orjson.loads(line), runs)


def preload() -> None:
    """Import what every engine needs; transformers' models load lazily beyond that."""
    import importlib

    # torch._dynamo: the first optimiser imports it, which takes seconds
    for name in ("torch", "torch._dynamo", "transformers", "polars", "training.loop", "training.objectives"):
        importlib.import_module(name)
    from training.architectures import ARCHITECTURES
    from training.objectives import OBJECTIVES
    from training.tasks import TASKS

    for registry in (OBJECTIVES, ARCHITECTURES, TASKS):
        list(registry)


def _start(request: dict[str, object], runs: dict[int, object]) -> None:
    pid = os.fork()
    if pid == 0:
        _become_engine(request)
    runs[pid] = request["id"]
    _say({"id": request["id"], "pid": pid})


def _become_engine(request: dict[str, object]) -> None:
    """In the child: take the slot's environment, write to the run's log, run, and leave without Python's clean-up."""
    status = 1
    try:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        folder = Path(str(request["folder"]))
        os.environ.update(request.get("env") or {})  # type: ignore[call-overload]
        log = os.open(folder / "engine.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.dup2(log, 1)
        os.dup2(log, 2)
        from training.engine import run_engine

        status = run_engine(folder)
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


def _reap(runs: dict[int, object]) -> None:
    while runs:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            return
        _say({"id": runs.pop(pid, None), "exit": os.waitstatus_to_exitcode(status)})


def _end(runs: dict[int, object]) -> None:
    for pid in runs:
        os.kill(pid, signal.SIGTERM)


def _say(message: dict[str, object]) -> None:
    os.write(1, orjson.dumps(message) + b"\n")
