"""What a run left behind: its report, its answers to the held-out examples, its files."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from datetime import datetime
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import Any

from django.core.files.storage import FileSystemStorage, default_storage

from training.report import Report
from webapp.core import apart, storage
from webapp.runs.models import Run

PREDICTIONS = "predictions.parquet"
HIDDEN = ("engine.pid", "checkpoint.new", "checkpoint.old")
"""What is only there while the engine works."""


def read_report(run: Run) -> Report | None:
    """The finished run's `training.report.Report`; None before it is finished."""
    return _report(run.folder, run.ended) if run.status == Run.Status.FINISHED else None


@lru_cache(256)
def _report(folder: str, ended: datetime | None) -> Report:
    """Finished runs never change."""
    with storage.open_file(f"{folder}/report.json") as handle:
        return Report.model_validate_json(handle.read())


def read_predictions(
    run: Run, *, truth: str = "", prediction: str = "", wrong: bool = False, offset: int = 0, limit: int = 50
) -> dict[str, Any]:
    """A page of held-out examples, hardest first: {"count", "results": [{row, truth, prediction, confidence, ...}]}.

    `truth` and `prediction` filter by label, which is a cell of the confusion matrix; `wrong` leaves out what is right.
    """
    path = predictions_path(run)
    if path is None:
        return {"count": 0, "results": []}
    found: dict[str, Any] = apart.run(
        "webapp.runs.comparing.answers:page", path, truth, prediction, wrong, offset, limit
    )
    return found


def random_prediction(run: Run) -> dict[str, Any] | None:
    """One held-out example with the model's answer; None for runs that have none."""
    path = predictions_path(run)
    return apart.run("webapp.runs.comparing.answers:draw", path, secrets.randbits(48)) if path else None


def predictions_path(run: Run) -> Path | None:
    """`predictions.parquet` on this machine; None for runs that have none."""
    name = f"{run.folder}/{PREDICTIONS}"
    if run.status != Run.Status.FINISHED or not storage.has_file(name):
        return None
    return storage.local_file(name)


def list_files(run: Run) -> list[dict[str, Any]]:
    """The run's files: [{"path", "bytes"}]."""
    found = [{"path": path, "bytes": _size(f"{run.folder}/{path}")} for path in _walk(run.folder)]
    return sorted(found, key=lambda file: (file["path"].count("/"), file["path"]))


def file_names(run: Run) -> set[str]:
    """The paths that can be downloaded; nothing else is one of the run's files."""
    return set(_walk(run.folder))


def _walk(folder: str, below: str = "") -> Iterator[str]:
    try:
        folders, files = default_storage.listdir(str(PurePosixPath(folder) / below))
    except FileNotFoundError:
        return
    for name in files:
        if name and name not in HIDDEN and not _is_link(f"{folder}/{below}{name}"):
            yield f"{below}{name}"
    for name in folders:
        if name not in HIDDEN and not name.startswith("checkpoint"):
            yield from _walk(folder, f"{below}{name}/")


def _size(name: str) -> int:
    try:
        return default_storage.size(name)
    except FileNotFoundError:
        return 0


def _is_link(name: str) -> bool:
    """Nothing in a run's folder points elsewhere; should something do, it is not served."""
    if not isinstance(default_storage, FileSystemStorage):
        return False
    return Path(default_storage.path(name)).is_symlink()
