"""Engines as a worker sees them: forked from one warm parent, followed through the file they write."""

from __future__ import annotations

import contextlib
import io
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import orjson
import psutil
from django.conf import settings

from training.events import Event, parse_event
from webapp.core.devices import Slot

EVENTS = "events.jsonl"
PID = "engine.pid"
TICK = 0.1
"""Seconds between two looks at an engine's file: at most ten blocks a second, whatever the pace of the training."""
FIRST_TICK = 0.02
"""The same until the training has begun, when somebody sits in front of an empty page."""
BLOCK = 4 * 2**20
"""Most bytes of one look."""

closing = threading.Event()
"""Set when this worker is about to end: whoever follows an engine asks it to save and stop."""


def warm_up() -> None:
    """Start the warm parent now, so that the first run need not wait for torch."""
    _warm_parent()


def start(folder: Path, slot: Slot) -> EngineProcess:
    """Train what `folder/spec.json` says on the slot, going on from `folder/checkpoint` if there is one."""
    process = _fork(folder, slot) or _fork(folder, slot)  # a parent may die just when it is needed
    if process is None:
        raise RuntimeError("the warm parent ends as soon as it is started; its reason is in the worker's log")
    with contextlib.suppress(psutil.NoSuchProcess):
        (folder / PID).write_text(f"{process.pid} {_birth(process.pid)}")
    return process


def _fork(folder: Path, slot: Slot) -> EngineProcess | None:
    process = EngineProcess(folder, _end_of_events(folder))
    return process if _warm_parent().fork(process, slot.env) else None


def clear(folder: Path, patience: float = 60) -> None:
    """End an engine that an earlier worker left behind in the folder; it may first save its checkpoint."""
    with contextlib.suppress(FileNotFoundError, ValueError, psutil.NoSuchProcess):
        pid, birth = map(int, (folder / PID).read_text().split())
        if _birth(pid) != birth:
            return
        leftover = psutil.Process(pid)
        leftover.terminate()
        try:
            leftover.wait(patience)
        except psutil.TimeoutExpired:
            leftover.kill()
            leftover.wait()


def read_rest(folder: Path, offset: int) -> tuple[list[Event], int]:
    """What an engine that has ended wrote behind the offset, and where its file ends."""
    if not (folder / EVENTS).exists():
        return [], 0
    end = _end_of_events(folder)
    with _open_events(folder, min(offset, end)) as lines:
        return [parse_event(line) for line in lines.read().splitlines() if line.endswith(b"}")], end


class EngineProcess:
    """One engine at work."""

    def __init__(self, folder: Path, offset: int) -> None:
        self.folder = folder
        self.offset = offset
        """Bytes of its file that `follow` has handed out."""
        self.pid = 0
        self.exit: int | None = None
        """Exit status once it has ended, negative for a signal; None also when nobody can know any more."""
        self.ended = threading.Event()
        self._started = threading.Event()

    def __enter__(self) -> EngineProcess:
        return self

    def __exit__(self, *error: object) -> None:
        """Whatever happened, no engine is left behind."""
        self.kill()
        self.ended.wait(10)

    def follow(self) -> Iterator[list[Event]]:
        """What it wrote since the last look, look by look, until it has ended; often nothing."""
        pause = FIRST_TICK
        with _open_events(self.folder, self.offset) as lines:
            while True:
                ended = self.ended.wait(pause)
                events = [parse_event(line) for line in _whole_lines(lines)]
                self.offset = lines.tell()
                if any(event.type == "progress" for event in events):
                    pause = TICK
                yield events
                if ended and not events:
                    return

    def ask_to_stop(self) -> None:
        """Let it save a checkpoint after the step at hand and end."""
        self._signal(psutil.Process.terminate)

    def kill(self) -> None:
        """End it at once."""
        self._signal(psutil.Process.kill)

    def _signal(self, send: Any) -> None:
        if not self.ended.is_set():
            with contextlib.suppress(psutil.NoSuchProcess):
                send(psutil.Process(self.pid))

    def wait_for_pid(self) -> bool:
        """Wait until it was forked; False if the parent died before."""
        self._started.wait()
        return self.pid > 0

    def tell_pid(self, pid: int) -> None:
        """Called with the parent's first answer."""
        self.pid = pid
        self._started.set()

    def tell_end(self, status: int | None) -> None:
        """Called with the parent's last answer, or with None when there will be none."""
        self.exit = status
        self._started.set()
        self.ended.set()


class WarmParent:
    """`python -m training warm`: forks engines that have torch imported already."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "training", "warm"],
            cwd=settings.BASE_DIR,
            env=_environment(),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            bufsize=0,
            start_new_session=True,  # Ctrl-C and the supervisor's signals are for the worker, which then decides
        )
        assert self._process.stdin and self._process.stdout
        self._requests, self._answers = self._process.stdin, io.BufferedReader(self._process.stdout)  # type: ignore[type-var]
        self._lock = threading.Lock()
        self._engines: dict[int, EngineProcess] = {}
        self._number = 0
        self._dead = False
        threading.Thread(target=self._listen, daemon=True, name="warm parent").start()

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    def alive(self) -> bool:
        """Whether it can still fork."""
        return not self._dead and self._process.poll() is None

    def fork(self, process: EngineProcess, env: dict[str, str]) -> bool:
        """Start an engine in the process's folder; False if the parent turns out to be dead."""
        with self._lock:
            if not self.alive():
                return False
            self._number += 1
            self._engines[self._number] = process
            request = {"id": self._number, "folder": str(process.folder), "env": env}
            try:
                self._requests.write(orjson.dumps(request) + b"\n")
            except BrokenPipeError:
                self._dead = True
                return False
        return process.wait_for_pid()

    def _listen(self) -> None:
        """Pass on the parent's answers until it ends; its engines then end too, but nobody can say how."""
        for line in self._answers:
            answer = orjson.loads(line)
            if "pid" in answer:
                self._engines[answer["id"]].tell_pid(answer["pid"])
            elif "exit" in answer:
                self._engines.pop(answer["id"]).tell_end(answer["exit"])
        with self._lock:
            self._dead = True
            for process in self._engines.values():
                process.tell_end(None)
        self._process.wait()


_parent: WarmParent | None = None
_parent_lock = threading.Lock()


def _warm_parent() -> WarmParent:
    """The warm parent of this worker, a new one if it died."""
    global _parent
    with _parent_lock:
        if _parent is None or not _parent.alive():
            _parent = WarmParent()
        return _parent


def _environment() -> dict[str, str]:
    return {**os.environ, "TOUCHSTONE_PROBES": str(settings.DATA_DIR / "probes")}


def _birth(pid: int) -> int:
    """When the process started, so that another one under the same number is not mistaken for it."""
    return int(psutil.Process(pid).create_time() * 100)


def _end_of_events(folder: Path) -> int:
    """Where new events will begin; half a line that an earlier engine left is closed off."""
    path = folder / EVENTS
    if not path.exists():
        return 0
    with path.open("rb+") as lines:
        size = lines.seek(0, os.SEEK_END)
        if size and lines.seek(size - 1) is not None and lines.read(1) != b"\n":
            size += lines.write(b"\n")
        return size


@contextlib.contextmanager
def _open_events(folder: Path, offset: int) -> Iterator[BinaryIO]:
    path = folder / EVENTS
    path.touch()
    with path.open("rb") as lines:
        lines.seek(offset)
        yield lines


def _whole_lines(lines: BinaryIO) -> list[bytes]:
    """Complete lines since the last call; what is half written stays for the next one."""
    start = lines.tell()
    block = lines.read(BLOCK)
    end = block.rfind(b"\n") + 1
    if not end and len(block) == BLOCK:  # one line longer than a block
        block += lines.readline()
        end = len(block) if block.endswith(b"\n") else 0
    lines.seek(start + end)
    return block[:end].splitlines()
