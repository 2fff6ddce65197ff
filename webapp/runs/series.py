"""The curves of runs: packed chunks of points, and truthful thin views of them."""

from collections.abc import Sequence
from typing import Any, Literal, TypeAlias

from webapp.runs.models import Run

Axis: TypeAlias = Literal["step", "epoch", "seconds"]


def names(run: Run) -> list[str]:
    """The curves of the run, sorted: ["train/loss", "val/accuracy", ...]."""
    raise NotImplementedError


def read(run: Run, names: Sequence[str] | None = None, points: int = 1000, x: Axis = "step") -> dict[str, Any]:
    """Curves in at most `points` points each that keep every spike; all curves if no names are given.

    {name: {"x": array, "y": array, "count": points in all, "last_step": n, "not_numbers": [[x, "nan" | "inf" | "-inf"]]}}.
    The arrays are numpy; `dumps` turns the whole into JSON (values that are not numbers become null there).
    """
    raise NotImplementedError


def dumps(curves: Any) -> bytes:
    """JSON of what `read` or `compare` returned."""
    raise NotImplementedError
