"""What people ask for."""

from collections.abc import Mapping, Sequence
from typing import Any

from training.recipes import Preset
from training.spec import TrainSpec
from webapp.datasets.models import DatasetVersion
from webapp.projects.models import Membership
from webapp.runs.models import Run


def propose_spec(
    version: DatasetVersion,
    *,
    task: str | None = None,
    roles: Mapping[str, str | Sequence[str]] | None = None,
    architecture: str | None = None,
    settings: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    preset: Preset = "balanced",
) -> TrainSpec:
    """A complete, valid spec: what is given is kept, what is left out is proposed from the data and the preset.

    `settings`, `recipe` and `split` may be partial; they are laid over the preset. Raises UserError in plain words.
    """
    raise NotImplementedError


def queue_run(*, member: Membership, version: DatasetVersion, spec: TrainSpec, name: str = "") -> Run:
    """Write the run down under a readable name, and call a worker once it is safely written."""
    raise NotImplementedError


def clone_run(*, run: Run, member: Membership, name: str = "") -> Run:
    """Queue the same spec on the same data again."""
    raise NotImplementedError


def resume_run(run: Run) -> Run:
    """Queue a stopped or failed run again, to go on from its checkpoint; UserError with the reason if it cannot."""
    raise NotImplementedError


def why_not_resumable(run: Run) -> str:
    """The reason why *Resume* is grey; empty if it can be pressed."""
    raise NotImplementedError


def rename_run(run: Run, name: str) -> Run:
    """Give the run another name; its slug, which programs use, stays."""
    raise NotImplementedError


def delete_run(run: Run) -> None:
    """Forget a run that is not active, with its files."""
    raise NotImplementedError


def read_report(run: Run) -> "Report | None":  # noqa: F821
    """The finished run's `training.report.Report`; None before it is finished."""
    raise NotImplementedError


def read_predictions(
    run: Run, *, truth: str = "", prediction: str = "", wrong: bool = False, offset: int = 0, limit: int = 50
) -> dict[str, Any]:
    """A page of held-out examples, hardest first: {"count", "results": [{row, truth, prediction, confidence, ...}]}.

    `truth` and `prediction` filter by label, which is a cell of the confusion matrix; `wrong` leaves out what is right.
    """
    raise NotImplementedError


def list_files(run: Run) -> list[dict[str, Any]]:
    """The run's files: [{"path", "bytes"}]."""
    raise NotImplementedError


def estimate(spec: TrainSpec, version: DatasetVersion) -> dict[str, Any]:
    """What the training will take, before it is started.

    {"seconds", "measured": whether calibrated on finished runs here, "steps", "rows": {"train", "test"}, "parameters",
    "memory_bytes", "memory_available", "disk_bytes", "disk_available", "device",
    "verdict": "fits" | "tight" | "too_big", "sentence": the verdict in words,
    "remedy": None or {"label", "changes": {recipe field: value}}}
    """
    raise NotImplementedError
