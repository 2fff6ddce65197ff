"""`python -m webapp.core.keep COMMAND...`: start it again whenever it ends, until this process is asked to end.

Signals reach the whole process group, so they are noted here and not passed on.
"""

import signal
import subprocess
import sys
import time
from types import FrameType

SOON = 1.0
LATEST = 30.0


def main(command: list[str]) -> int:
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
        status = subprocess.Popen(command).wait()
        if asked:
            return status
        pause = SOON if time.monotonic() - started > 60 else min(pause * 2, LATEST)
        print(f"ended with status {status}; starting again in {pause:.0f} s", flush=True)
        time.sleep(pause)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
