"""One Touchstone to a data folder: a second one waits until the first has ended, or says that it does not."""

from __future__ import annotations

import fcntl
import time
from pathlib import Path
from typing import TextIO

NAME = "serve.lock"


def hold(folder: Path, patience: float) -> TextIO:
    """The folder's lock, held as long as this file is open here or in a process that it was passed to.

    What still ends would take the socket of its Redis away from the one that begins. Raises SystemExit with a sentence
    if the folder is not free after `patience` seconds.
    """
    lock = (folder / NAME).open("w")
    deadline, told = time.monotonic() + patience, False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                raise SystemExit(
                    f"Another Touchstone works with {folder}. End it first, or set TOUCHSTONE_DATA to another folder."
                ) from None
            if not told:
                print(f"Waiting for the Touchstone that works with {folder} to end.", flush=True)
            told = True
            time.sleep(0.1)
        else:
            return lock
