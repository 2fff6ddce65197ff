"""Device slots of this machine: one per GPU, or some for the CPU. A run holds one while it trains."""

import fcntl
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import psutil
from django.conf import settings


@dataclass(frozen=True)
class Slot:
    """Room for one training."""

    key: str
    title: str
    memory: int
    """Bytes that a training may use there."""
    env: dict[str, str] = field(default_factory=dict)
    """What the engine's environment says about it."""


@cache
def slots() -> tuple[Slot, ...]:
    """All slots of this machine; the worker that trains has as many threads."""
    return _gpu_slots() or _cpu_slots()


@contextmanager
def take() -> Iterator[Slot]:
    """Wait for a free slot and hold it; the kernel frees it should this process die."""
    with ExitStack() as held:
        while (slot := _try_all(held)) is None:
            time.sleep(0.02)
        yield slot


def _try_all(held: ExitStack) -> Slot | None:
    for slot in slots():
        handle = _lock_path(slot).open("w")
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            handle.close()
            continue
        held.enter_context(handle)
        return slot
    return None


def _lock_path(slot: Slot) -> Path:
    folder: Path = settings.DATA_DIR / "devices"
    folder.mkdir(parents=True, exist_ok=True)
    return folder / f"{slot.key}.lock"


def _gpu_slots() -> tuple[Slot, ...]:
    """One slot per GPU that this process may use, asked of the driver's own tool: torch stays out of here."""
    command = ["nvidia-smi", "--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return ()
    rows = [[cell.strip() for cell in line.split(",")] for line in answer.splitlines()]
    allowed = os.environ.get("CUDA_VISIBLE_DEVICES")
    return tuple(
        Slot(f"gpu-{index}", name, int(megabytes) * 2**20, {"CUDA_VISIBLE_DEVICES": uuid})
        for index, uuid, name, megabytes in rows
        if allowed is None or index in allowed.split(",") or uuid in allowed.split(",")
    )


def _cpu_slots() -> tuple[Slot, ...]:
    """The configured number of slots, which share the cores; a single one may use what the engine finds best."""
    count = settings.CPU_SLOTS
    env = {"TOUCHSTONE_THREADS": str(max(1, cores() // count))} if count > 1 else {}
    memory = psutil.virtual_memory().total // count
    return tuple(Slot(f"cpu-{number}", "CPU", memory, env) for number in range(count))


def cores() -> int:
    """Processor cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
