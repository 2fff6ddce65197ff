"""What can be tried: the model of a finished run, or a pretrained chat model that a package ships."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import orjson
from django.urls import reverse
from django.utils.translation import gettext as _

from training.pretrained import packaged
from training.tasks import TASKS, Task
from webapp.core import storage
from webapp.core.errors import UserError
from webapp.pretrained.services import bring_here
from webapp.runs.models import Run

READY = "ready-"


@dataclass(frozen=True)
class Served:
    """One model that answers."""

    key: str
    """`run-12`, or `ready-` and the package's name."""
    title: str
    task: type[Task]
    run: Run | None = None
    source: str = ""

    @property
    def url(self) -> str:
        """The page where it is tried."""
        if self.run is not None:
            return reverse("playground-run", args=[self.run.pk])
        return reverse("playground-ready", args=[self.key.removeprefix(READY)])

    def folder(self) -> Path:
        """Its model folder on this machine; raises UserError if it is not there."""
        if self.run is None:
            return _ready_folder(self.source)
        bring_here(self.run.train_spec().settings.get("source"))
        try:
            return storage.local_folder(f"{self.run.folder}/model")
        except FileNotFoundError as error:
            raise UserError(
                _("This run has left no model."), _("Try a run that has finished."), code="no_model"
            ) from error

    def chats(self) -> bool:
        """Whether it was taught to answer; otherwise it writes on from a beginning."""
        if self.run is None:
            return True
        config = orjson.loads((self.folder() / "config.json").read_bytes())
        return bool(config["preparation"].get("chat"))


def of_run(run: Run) -> Served:
    """The model of a run; raises UserError if the run has not finished."""
    if run.status != Run.Status.FINISHED:
        raise UserError(_("This run has no model yet."), _("Wait until it has finished."), code="no_model", status=409)
    return Served(key=f"run-{run.pk}", title=run.name, task=TASKS[run.task], run=run)


def ready_made() -> list[Served]:
    """The pretrained chat models that packages ship here."""
    return [_of_package(model) for model in packaged.sources("causal")]


def of_name(name: str) -> Served | None:
    """The pretrained chat model of that package name."""
    return next((served for served in ready_made() if served.key == READY + name), None)


def of_source(source: str) -> Served | None:
    """The pretrained chat model that settings name so."""
    return next((served for served in ready_made() if served.source == source), None)


def of_key(key: str) -> Served:
    """The model of a key, as jobs carry it."""
    if key.startswith(READY):
        if (served := of_name(key.removeprefix(READY))) is None:
            raise UserError(_("This model is not installed here."), _("Install its package."), code="no_model")
        return served
    return of_run(Run.objects.get(pk=int(key.removeprefix("run-"))))


def _of_package(model: packaged.Packaged) -> Served:
    name = model.source.removeprefix("package:")
    return Served(key=READY + name, title=model.title, task=TASKS["language-modeling"], source=model.source)


def _ready_folder(source: str) -> Path:
    folder = packaged.ready_folder(source)
    if not (folder / "config.json").exists():
        raise UserError(
            _("This model is still being prepared on this machine."),
            _("That takes about a minute after the first start; ask again then."),
            code="no_model",
        )
    return folder
