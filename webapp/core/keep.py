"""`python -m webapp.core.keep OWNER GRACE COMMAND...`: start it again whenever it ends, until this process is asked to.

Signals reach the whole process group, so they are noted here and not passed on. If the process OWNER is killed and can
ask nobody, the group ends GRACE seconds later.
"""

import os
import signal
import subprocess
import sys
import time
from types import FrameType

import psutil

SOON = 1.0
LATEST = 30.0
LOOK = 1.0


def main(owner: psutil.Process, grace: float, command: list[str]) -> int:
    """Run until a signal asks to end; returns the last exit status."""
    asked = False

    def ask(number: int, frame: FrameType | None) -> None:
        nonlocal asked
        asked = True

    signal.signal(signal.SIGTERM, ask)
    signal.signal(signal.SIGINT, ask)
    pause = SOON
    while True:
        started = time.monotonic()
        status = _wait(subprocess.Popen(command), owner, grace)
        if asked:
            return status
        pause = SOON if time.monotonic() - started > 60 else min(pause * 2, LATEST)
        print(f"ended with status {status}; starting again in {pause:.0f} s", flush=True)
        time.sleep(pause)


def _wait(process: "subprocess.Popen[bytes]", owner: psutil.Process, grace: float) -> int:
    is_alone = False
    while True:
        try:
            return process.wait(LOOK)
        except subprocess.TimeoutExpired:
            if is_alone or owner.is_running():
                continue
        is_alone = True
        time.sleep(grace)
        os.killpg(0, signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main(psutil.Process(int(sys.argv[1])), float(sys.argv[2]), sys.argv[3:]))
