"""Who is next."""

from datetime import timedelta

from webapp.runs.models import Run


def position(run: Run) -> int | None:
    """1 for the run that starts next; None if the run is not waiting."""
    raise NotImplementedError


def expected_wait(run: Run) -> timedelta | None:
    """About how long until a waiting run starts, from the time left of the runs before it; None if unknown."""
    raise NotImplementedError
