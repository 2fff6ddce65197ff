"""Runs side by side: what differs in their settings, and whether the difference in results is real."""

from collections.abc import Sequence
from typing import Any

from webapp.runs.models import Run


def compare(runs: Sequence[Run], points: int = 500, x: str = "step") -> dict[str, Any]:
    """Everything the compare page shows; the first run is the one that the others are tested against.

    {"runs": [{"id", "name", "slug", "status", "task", "architecture", "dataset", "version", "seconds", "parameters",
               "device", "headline"}],
     "settings": [{"key": "recipe.lr", "title": "Learning rate", "values": [one per run, None where it has none],
                   "differs": bool}],
     "metrics": [{"key", "title", "about", "higher_is_better", "percent", "unit",
                  "values": [{"value", "low", "high"} or None], "best": index or None}],
     "curves": {name: [{"run": id, "x": array, "y": array, "count": n}]},
     "pairs": [{"a": first run's id, "b": other's id, "test": "mcnemar" | "bootstrap", "examples", "fixed", "broken",
                "difference", "low", "high", "p", "better": id or None, "sentence"}],
     "warnings": ["The runs were judged on different held-out examples..."]}
    """
    raise NotImplementedError
