"""What every piece of a worker's work on data needs: a sign of life, a place on the disk, and words for failures."""

import errno
import logging
import shutil
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from django.conf import settings
from django.utils.translation import gettext as _

from training.errors import TrainingError
from webapp.core.errors import UserError, log_bug
from webapp.core.heartbeat import beating
from webapp.datasets import lifecycle
from webapp.datasets.lifecycle import Work

if TYPE_CHECKING:
    from training.data.importing import ImportPhase  # polars stays out of the worker's parent

logger = logging.getLogger(__name__)

BEAT_SECONDS = 10.0
NEWS_SECONDS = 0.2
"""At most so often does a phase that moves become news."""


class Overtaken(Exception):
    """The data set was deleted, or another worker has taken the work over."""


@contextmanager
def busy_with(work: Work) -> Iterator[Path]:
    """A folder to work in, while beats say that the work goes on; whatever goes wrong ends in words on the page."""
    try:
        with beating(lambda: lifecycle.beat(work), every=BEAT_SECONDS, name=work.channel), _workplace(work) as folder:
            yield folder
    except Overtaken:
        return
    except (TrainingError, UserError) as error:
        lifecycle.fail(work, message=error.message, hint=error.hint)
    except Exception as error:
        message, hint = _in_words(error, work)
        lifecycle.fail(work, message=message, hint=hint)


def show(work: Work, title: str, done: float | None = None) -> None:
    """Say what is being done; raises Overtaken when it is no longer this worker's to do."""
    if not lifecycle.record_phase(work, title=title, done=done):
        raise Overtaken


def show_all(work: Work, phases: "Iterable[ImportPhase]") -> None:
    """Say what is being done: each phase at once, and how far it is now and then."""
    shown, title = 0.0, ""
    for phase in phases:
        if phase.title != title or time.monotonic() - shown > NEWS_SECONDS:
            show(work, phase.title, phase.done)
            shown, title = time.monotonic(), phase.title


def work_root() -> Path:
    """Where the folders of all work on this machine lie: on the disk of the data."""
    root: Path = settings.DATA_DIR / "imports"
    root.mkdir(parents=True, exist_ok=True)
    return root


@contextmanager
def _workplace(work: Work) -> Iterator[Path]:
    """A folder of its own; what a worker that was killed left of the same work is cleared away."""
    prefix = f"{type(work).__name__.lower()}-{work.pk}-"
    for left in work_root().glob(f"{prefix}*"):
        shutil.rmtree(left, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix=prefix, dir=work_root()) as folder:
        yield Path(folder)


def _in_words(error: Exception, work: Work) -> tuple[str, str]:
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _("The server’s disk is full."), _("Ask your administrator to make room, then try again.")
    if isinstance(error, MemoryError):
        return _("The data needs more memory than the server has."), _("Upload a smaller part of it.")
    number = log_bug(f"the work on {work.channel}")
    return (
        _("Touchstone made a mistake while working on the data. It is logged as %(number)s.") % {"number": number},
        _("Try again; if it stays, tell your administrator the number."),
    )
