"""Work in processes of its own, each forked from one that has torch imported, as the product starts its engines."""

from __future__ import annotations

import os
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Cost:
    """What a process cost from its fork to its end."""

    wall: float
    """Seconds."""
    cpu: float
    """Processor seconds of all its threads."""
    memory: float
    """Megabytes that it held at most, the imported libraries among them."""


def in_a_fork(work: Callable[[], None]) -> Cost:
    """Do the work in a child; raises SystemExit if it failed there. The parent must not have computed anything yet."""
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        _work_and_end(work)
    _pid, status, used = os.wait4(child, 0)
    if status:
        raise SystemExit(f"The work ended with status {status}.")
    return Cost(time.monotonic() - started, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def _work_and_end(work: Callable[[], None]) -> None:
    try:
        work()
    except BaseException:
        traceback.print_exc()
        os._exit(1)
    os._exit(0)
