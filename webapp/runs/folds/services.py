"""Cross-validation: one choice trained on every fold, judged by what the folds say together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, stdev
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from training.data.schema import Description
from training.spec import Split, TrainSpec
from training.tasks import TASKS, Metric
from webapp.core.errors import UserError
from webapp.datasets.models import DatasetVersion
from webapp.projects.models import Membership
from webapp.runs import lifecycle, services
from webapp.runs.models import CrossValidation, Run
from webapp.runs.results import read_report

OFFERED = (3, 5, 10)
"""Numbers of folds that the new run page offers; REST takes any from 2 to 20."""


@dataclass(frozen=True)
class FoldedMeasure:
    """One measure over the folds that are finished."""

    metric: Metric
    values: list[float | None]
    """One per run; None where it has no result yet."""

    @property
    def known(self) -> list[float]:
        return [value for value in self.values if value is not None]

    @property
    def mean(self) -> float:
        return fmean(self.known)

    @property
    def spread(self) -> float | None:
        """The standard deviation from fold to fold; None before there are two."""
        return stdev(self.known) if len(self.known) > 1 else None

    def as_json(self) -> dict[str, Any]:
        """What REST tells of it."""
        return {"mean": self.mean, "spread": self.spread, "values": self.values}


def why_no_folds(description: Description, split: Split) -> str:
    """The reason why this data cannot be divided into folds in this way; empty if it can."""
    if {"test", "val"} & set(description.parts):
        return _("The data brings its own held-out part, which judges every run.")
    if split.how in ("time", "column"):
        return _("Folds need a division at random, by class or by group.")
    return ""


@transaction.atomic
def queue_folds(
    *, member: Membership, version: DatasetVersion, spec: TrainSpec, folds: int, name: str = ""
) -> CrossValidation:
    """Queue one run per fold; raises UserError where the data cannot be divided into folds."""
    if reason := why_no_folds(version.describe(), spec.split):
        raise UserError(reason, _("Start a single run, or choose another division."), code="no_folds")
    name = name.strip()[:100] or services.readable_name(member, version, spec)[:100]
    group = CrossValidation.objects.create(project=member.project, owner=member.user, name=name, folds=folds)
    for fold in range(1, folds + 1):
        split = spec.split.model_copy(update={"folds": folds, "fold": fold})
        services.queue_run(
            member=member,
            version=version,
            spec=spec.model_copy(update={"split": split}),
            name=_("%(name)s · fold %(fold)d of %(folds)d") % {"name": name, "fold": fold, "folds": folds},
            cross_validation=group,
        )
    return group


def stop_folds(group: CrossValidation) -> None:
    """Ask every run of it that waits or trains to stop and keep what it learnt."""
    for run in group.runs.all():
        if run.is_active:
            lifecycle.ask_to_stop(run, keep=True)


def runs_of(group: CrossValidation) -> list[Run]:
    """Its runs in the order of the folds."""
    return list(group.runs.select_related("version__dataset", "owner").order_by("pk"))


def measure_folds(runs: Sequence[Run]) -> list[FoldedMeasure]:
    """Every measure that a finished fold reports, the headline first."""
    reports = [read_report(run) for run in runs]
    found = [report for report in reports if report]
    if not found:
        return []
    metrics = sorted(TASKS[runs[0].task].metrics, key=lambda metric: metric.key != found[0].headline)
    values = {
        metric: [
            report.metrics[metric.key].value if report and metric.key in report.metrics else None for report in reports
        ]
        for metric in metrics
    }
    return [FoldedMeasure(metric, of) for metric, of in values.items() if any(value is not None for value in of)]


def mean_headline(group: CrossValidation) -> float | None:
    """The first measure, on average over the folds that are finished; None before the first one is."""
    values = [run.headline["value"] for run in group.runs.all() if run.headline]
    return fmean(values) if values else None


def shared_by(runs: Sequence[Run]) -> CrossValidation | None:
    """The cross-validation that all of some runs are folds of."""
    groups = {run.cross_validation_id for run in runs}
    return runs[0].cross_validation if len(groups) == 1 else None
