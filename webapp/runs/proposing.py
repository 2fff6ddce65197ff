"""A complete spec for a data set version out of what was chosen; what only the project knows is added here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Unpack

from django.db.models import QuerySet
from django.utils.translation import gettext as _

from training.architectures import ARCHITECTURES
from training.data.roles import check_parts
from training.facts import recommended
from training.proposing import Choices, complete_roles, propose
from training.recipes import Preset
from training.spec import TrainSpec
from webapp.core.errors import UserError
from webapp.datasets.models import DatasetVersion
from webapp.datasets.pages.dividing import count_examples
from webapp.runs import workspace
from webapp.runs.models import Run


def propose_spec(version: DatasetVersion, *, start_from: int | None = None, **choices: Unpack[Choices]) -> TrainSpec:
    """A complete, valid spec out of what `training.proposing.propose` takes; raises UserError or TrainingError.

    `start_from` is the number of a finished run of the same architecture in the same project, whose weights are gone
    on from.
    """
    start = workspace.name_of(start_from) if start_from else ""
    spec = propose(version.describe(), start_from=start, **choices)
    if start_from and not _has_learnt(version, spec.architecture, start_from):
        title = ARCHITECTURES[spec.architecture].title
        raise UserError(
            _("Run %(run)d cannot be started from.") % {"run": start_from},
            _("Choose a finished run of this project with the architecture “%(title)s”.") % {"title": title},
            code="no_start",
        )
    return spec


def _has_learnt(version: DatasetVersion, architecture: str, run: int) -> bool:
    known = Run.objects.filter(project=version.dataset.project_id, status=Run.Status.FINISHED)
    return known.filter(pk=run, architecture=architecture).exists()


def starting_points(version: DatasetVersion, task: str, architecture: str) -> QuerySet[Run]:
    """The project's finished runs whose weights such a run could start from, newest first."""
    project = version.dataset.project_id
    finished = Run.objects.filter(project=project, status=Run.Status.FINISHED, task=task, architecture=architecture)
    return finished.order_by("-pk")


def recommended_architecture(
    version: DatasetVersion, task: str, roles: Mapping[str, list[str]], preset: Preset = "balanced"
) -> str:
    """What is proposed for these columns, the others being chosen as usual."""
    description = version.describe()
    return recommended(description, task=task, roles=complete_roles(description, task, roles), preset=preset)


def count_rows(spec: TrainSpec, version: DatasetVersion) -> dict[str, int]:
    """How many examples learn, choose and judge, counted in the data; TrainingError where it cannot be divided so.

    Without examples to choose by, those that judge are watched.
    """
    target = spec.roles.get("target", [""])[0]
    counts = count_examples(version, spec.split, target)
    check_parts(counts)
    return counts | {"val": counts["val"] or counts["test"]}
