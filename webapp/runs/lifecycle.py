"""Every move of a run's status, each a conditional update: of two who try, one succeeds."""

from webapp.runs.models import Run


def ask_to_stop(run: Run, *, keep: bool) -> None:
    """Stop a queued or running run: keep its checkpoint, so that it can go on, or discard its files.

    A queued run is stopped at once; a running one is `stopping` until its engine has ended. Pressing twice does no
    harm; `keep=False` after `keep=True` discards. Raises UserError if the run has already ended.
    """
    raise NotImplementedError
