"""One run in one process: from `spec.json` in a folder to its `events.jsonl`. That file is the whole boundary."""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
import traceback
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from types import FrameType

from training.errors import TrainingError
from training.events import Event, Failed, Stopped
from training.spec import TrainSpec, read_spec

EVENTS = "events.jsonl"
LOG = "engine.log"
STOPPED_EXIT, FAILED_EXIT = 3, 1


def run_engine(folder: Path, *, on_event: Callable[[Event], None] = lambda event: None) -> int:
    """Train what `folder/spec.json` says, writing every event; returns the exit status.

    0 means finished, 3 stopped with a checkpoint, 1 failed with a `failed` event. SIGTERM and SIGINT stop it after the
    step at hand; it also stops when the process that started it is gone.
    """
    stop = StopRequest()
    status = 0
    with (folder / EVENTS).open("ab", buffering=0) as lines:
        for event in _guarded(folder, stop):
            stamped = event.model_copy(update={"time": time.time()})
            lines.write(stamped.model_dump_json().encode() + b"\n")
            on_event(stamped)
            if isinstance(stamped, Failed):
                status = FAILED_EXIT
            if isinstance(stamped, Stopped):
                status = STOPPED_EXIT
    return status


class StopRequest:
    """True once somebody asked this process to stop, or its parent is gone."""

    def __init__(self) -> None:
        self._asked = False
        self._parent = os.getppid()
        self._looked = time.monotonic()
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)

    def __call__(self) -> bool:
        if not self._asked and time.monotonic() - self._looked > 0.5:
            self._looked = time.monotonic()
            self._asked = os.getppid() != self._parent
        return self._asked

    def _ask(self, number: int, frame: FrameType | None) -> None:
        self._asked = True


def _guarded(folder: Path, stop: StopRequest) -> Iterator[Event]:
    """The loop's events; whatever goes wrong ends in a `failed` event that says what to do next."""
    spec = None
    try:
        from training.loop import train  # torch is imported here, after the caller has set up the process

        spec = read_spec(folder / "spec.json")
        yield from train(spec, folder, stop)
    except TrainingError as error:
        yield _failed(error, spec)
    except MemoryError:
        yield _out_of_memory(spec)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            yield _bug(folder, error)
        else:
            yield Failed(code="disk_full", message="The disk is full.", hint="Free some space, then resume the run.")
    except Exception as error:
        if _is_out_of_memory(error):
            yield _out_of_memory(spec)
        else:
            yield _left_to_chance() if "deterministic implementation" in str(error) else _bug(folder, error)


def _failed(error: TrainingError, spec: TrainSpec | None) -> Failed:
    remedy = {"lr": spec.recipe.lr / 10} if error.code == "diverged" and spec else {}
    step = getattr(error, "step", 0)
    return Failed(code=error.code, message=error.message, hint=error.hint, step=step, remedy=remedy)


def _is_out_of_memory(error: Exception) -> bool:
    """Torch's own error on a GPU; on a CPU its allocator says so in words only."""
    return type(error).__name__ == "OutOfMemoryError" or "can't allocate memory" in str(error)


def _out_of_memory(spec: TrainSpec | None) -> Failed:
    if spec is None or spec.recipe.batch_size == 1:
        return Failed(code="out_of_memory", message="The memory is not enough.", hint="Choose a smaller network.")
    batch, accumulate = max(1, spec.recipe.batch_size // 2), spec.recipe.accumulate * 2
    return Failed(
        code="out_of_memory",
        message=f"Out of memory at batch {spec.recipe.batch_size}.",
        hint=f"Retry with {batch} and accumulate {accumulate}: the same result from half the memory.",
        remedy={"batch_size": batch, "accumulate": accumulate},
    )


def _left_to_chance() -> Failed:
    return Failed(
        code="not_deterministic",
        message="This network needs a step that this device can only compute with tiny differences each time.",
        hint="Switch off “Deterministic”, or train on the CPU.",
        remedy={"deterministic": False},
    )


def _bug(folder: Path, error: Exception) -> Failed:
    """Our fault: the traceback goes to the log under an id that the page shows."""
    number = uuid.uuid4().hex[:8]
    with (folder / LOG).open("a") as log:
        log.write(f"error {number}\n{''.join(traceback.format_exception(error))}\n")
    print(f"engine error {number} in {folder}", file=sys.stderr)
    return Failed(
        code="bug",
        message=f"The training broke off through a fault of Touchstone (error {number}).",
        hint="Start it again; if it happens again, report it with that number and the run's engine.log.",
    )
