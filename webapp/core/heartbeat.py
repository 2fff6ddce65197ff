"""Signs of life of a worker's work, given beside it by a thread."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from django.db import OperationalError, connection

logger = logging.getLogger(__name__)


@contextmanager
def beating(beat: Callable[[], object], *, every: float, name: str) -> Iterator[None]:
    """Call `beat` every so many seconds, however long one piece of the work takes."""
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(every):
            try:
                beat()
            except OperationalError as error:  # the next beat may get through; only several missed ones end a claim
                logger.warning("No heartbeat for %s: %s", name, error)
            finally:
                connection.close()

    thread = threading.Thread(target=go_on, name=f"{name}-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
