"""Starter experiments in a project: begin one with a click, and see whether it came out as promised."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.utils.translation import gettext as _

from training.experiments import Experiment
from training.tasks import TASKS
from webapp.core.errors import UserError
from webapp.datasets import services as datasets
from webapp.datasets.models import Dataset
from webapp.projects.models import Membership, Project
from webapp.runs import services
from webapp.runs.models import Run
from webapp.runs.news import note_as_json
from webapp.runs.pages.scores import Score, headline, metric_of


@dataclass(frozen=True)
class Attempt:
    """An experiment with the newest run that tried it in a project."""

    experiment: type[Experiment]
    run: Run | None
    score: Score | None
    """The measure that was promised something, once the run is finished."""

    @property
    def surface(self) -> dict[str, Any] | None:
        """How the newest run divides the plane of its two columns by now, if it is one of that kind."""
        note = self.run.notes.filter(kind="surface").last() if self.run else None
        return note_as_json(note) if note else None

    @property
    def held(self) -> bool:
        """Whether the result is what was promised."""
        return self.score is not None and self.experiment.expected.holds(self.score.value)


def attempt(project: Project, experiment: type[Experiment]) -> Attempt:
    """One experiment with its newest run."""
    run = project.runs.filter(experiment=experiment.key).order_by("created", "pk").last()
    return Attempt(experiment, run, promised_score(experiment, run) if run else None)


def promised_score(experiment: type[Experiment], run: Run) -> Score | None:
    """What came out of the measure that the experiment speaks of; None before the run is finished."""
    if run.status != Run.Status.FINISHED:
        return None
    if run.headline and run.headline["key"] == experiment.expected.metric:
        return headline(run)
    report = services.read_report(run)
    if report is None or experiment.expected.metric not in report.metrics:
        return None
    found = report.metrics[experiment.expected.metric]
    metric = metric_of(TASKS[run.task], experiment.expected.metric)
    return Score(metric, found.value, found.low, found.high, None)


def begin(*, member: Membership, experiment: type[Experiment]) -> Run | None:
    """Queue the experiment; None while its data is still on the way, after which it should be asked for again."""
    dataset = _data_of(member, experiment)
    if dataset.status == Dataset.Status.FAILED:
        raise UserError(
            _("The data of this experiment could not be read."),
            _("Look at the data set “%(name)s”, delete it, and start again.") % {"name": dataset.name},
        )
    version = dataset.latest
    if dataset.status != Dataset.Status.READY or version is None:
        return None
    spec = services.propose_spec(
        version,
        task=experiment.task,
        roles=experiment.roles,
        architecture=experiment.architecture,
        settings=experiment.settings,
        recipe=experiment.recipe,
        preset=experiment.preset,
    )
    return services.queue_run(
        member=member, version=version, spec=spec, name=experiment.title, experiment=experiment.key
    )


def _data_of(member: Membership, experiment: type[Experiment]) -> Dataset:
    """The project's copy of the starter data set, brought now if there is none."""
    known = member.project.datasets.filter(starter=experiment.data).order_by("created", "pk").last()
    return known or datasets.add_starter(member=member, key=experiment.data)
