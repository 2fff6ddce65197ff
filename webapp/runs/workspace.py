"""Where a run's files are: on this machine while it trains, in storage once they are to be kept.

With local storage both are one folder and nothing is copied. With remote storage a checkpoint is kept under its step,
so that a half-written upload is never taken for one.
"""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path

from django.conf import settings
from django.core.files.storage import FileSystemStorage, default_storage
from django.utils.translation import gettext as _

from training.report import Report
from webapp.core import engine, storage
from webapp.core.errors import UserError
from webapp.pretrained.services import bring_here
from webapp.runs.models import Run

CHECKPOINT = "checkpoint"


def open_folder(run: Run) -> Path:
    """The run's working folder with its spec and, if it goes on, its last checkpoint."""
    folder = local_path(run)
    if not _is_local():
        _fetch_checkpoint(run, folder)
    folder.mkdir(parents=True, exist_ok=True)
    if not run.checkpoint_step:
        _remove_checkpoints(folder)
    bring_here(run.train_spec().settings.get("source"))
    data = storage.local_folder(run.version.folder)
    places = {"data": str(data), "start_from": _start_folder(run)}
    (folder / "spec.json").write_text(run.train_spec().model_copy(update=places).model_dump_json(indent=2))
    return folder


def name_of(run_id: int) -> str:
    """How a spec names the run that it starts from."""
    return f"run:{run_id}"


def _start_folder(run: Run) -> str:
    """The model of the run that this one starts from, on this machine; empty if it starts afresh."""
    named = run.train_spec().start_from
    if not named:
        return ""
    earlier = Run.objects.filter(pk=named.removeprefix("run:"), status=Run.Status.FINISHED).first()
    if earlier is None:
        raise UserError(
            _("The run that this one starts from was deleted."),
            _("Clone it and start from another one."),
            code="no_start",
        )
    return str(storage.local_folder(f"{earlier.folder}/model"))


def left_behind(run: Run) -> Path | None:
    """The folder of an earlier attempt, where it is the run's only one; with remote storage only uploads count."""
    folder = local_path(run)
    return folder if _is_local() and folder.exists() else None


def local_path(run: Run) -> Path:
    """Where this machine trains the run."""
    if _is_local():
        return Path(default_storage.path(run.folder))
    return Path(settings.DATA_DIR) / "work" / run.folder


def keep_checkpoint(run: Run, step: int) -> None:
    """Bring the checkpoint of that step to where any machine can go on from it; older ones are forgotten."""
    if _is_local():
        return
    storage.save_folder(local_path(run) / CHECKPOINT, f"{run.folder}/{CHECKPOINT}-{step}")
    if run.checkpoint_step and run.checkpoint_step != step:
        storage.delete_folder(f"{run.folder}/{CHECKPOINT}-{run.checkpoint_step}")


def keep_results(run: Run) -> Report:
    """Bring everything but the checkpoints to storage, and return the report."""
    folder = local_path(run)
    _remove_checkpoints(folder)
    (folder / engine.PID).unlink(missing_ok=True)
    report = Report.model_validate_json((folder / "report.json").read_bytes())
    if not _is_local():
        storage.move_folder(folder, run.folder)
    return report


def leave(run: Run) -> None:
    """Forget the copy on this machine, where storage has what counts."""
    if not _is_local():
        shutil.rmtree(local_path(run), ignore_errors=True)


def discard(run: Run) -> None:
    """Delete the run's files everywhere."""
    shutil.rmtree(local_path(run), ignore_errors=True)
    storage.delete_folder(run.folder)


def size(run: Run) -> int:
    """Bytes of the run's files on this machine."""
    total = 0
    for path in local_path(run).rglob("*"):
        with contextlib.suppress(FileNotFoundError):  # the engine swaps checkpoints while we look
            total += path.stat().st_size if path.is_file() else 0
    return total


def _is_local() -> bool:
    return isinstance(default_storage, FileSystemStorage)


def _fetch_checkpoint(run: Run, folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if run.checkpoint_step:
        kept = storage.local_folder(f"{run.folder}/{CHECKPOINT}-{run.checkpoint_step}")
        shutil.copytree(kept, folder / CHECKPOINT)


def _remove_checkpoints(folder: Path) -> None:
    for path in folder.glob(f"{CHECKPOINT}*"):
        shutil.rmtree(path, ignore_errors=True)
