"""What people ask for."""

from __future__ import annotations

from uuid import uuid4

from django.db import transaction
from django.utils.text import slugify
from django.utils.translation import gettext as _

from training.architectures import ARCHITECTURES
from training.spec import TrainSpec
from webapp.core import live
from webapp.core.errors import UserError
from webapp.datasets.models import DatasetVersion
from webapp.pretrained.sources import check_source
from webapp.projects.models import Membership
from webapp.runs import jobs, lifecycle, news, workspace
from webapp.runs.estimate import estimate
from webapp.runs.models import CrossValidation, Run
from webapp.runs.proposing import count_rows, propose_spec, recommended_architecture, starting_points
from webapp.runs.results import list_files, read_predictions, read_report

__all__ = [
    "clone_run",
    "count_rows",
    "delete_run",
    "estimate",
    "list_files",
    "propose_spec",
    "queue_run",
    "read_predictions",
    "read_report",
    "readable_name",
    "recommended_architecture",
    "rename_run",
    "resume_run",
    "starting_points",
    "why_not_resumable",
]


@transaction.atomic
def queue_run(
    *,
    member: Membership,
    version: DatasetVersion,
    spec: TrainSpec,
    name: str = "",
    experiment: str = "",
    cross_validation: CrossValidation | None = None,
) -> Run:
    """Write the run down under a readable name, and call a worker once it is safely written."""
    check_source(spec.settings.get("source"), member)
    run = Run.objects.create(
        project=member.project,
        owner=member.user,
        version=version,
        name=name.strip()[:120] or readable_name(member, version, spec),
        slug=f"new-{uuid4().hex}",
        spec=spec.model_dump(mode="json"),
        task=spec.task,
        architecture=spec.architecture,
        experiment=experiment,
        cross_validation=cross_validation,
    )
    run.slug = "-".join(part for part in (slugify(run.name)[:100].strip("-"), str(run.pk)) if part)
    run.save(update_fields=["slug"])
    transaction.on_commit(lambda: _announce(run))
    return run


def clone_run(*, run: Run, member: Membership, name: str = "") -> Run:
    """Queue the same spec on the same data again."""
    return queue_run(member=member, version=run.version, spec=run.train_spec(), name=name)


def resume_run(run: Run) -> Run:
    """Queue a stopped or failed run again, to go on from its checkpoint; UserError with the reason if it cannot."""
    if not lifecycle.resume(run):
        run.refresh_from_db()
        raise UserError(why_not_resumable(run), _("Clone it to start afresh."), code="not_resumable", status=409)
    run.refresh_from_db()
    jobs.ring(run.pk)
    return run


def why_not_resumable(run: Run) -> str:
    """The reason why *Resume* is grey; empty if it can be pressed."""
    reason = ""
    if run.is_active:
        reason = _("It is still going.")
    elif run.status == Run.Status.FINISHED:
        reason = _("It is finished.")
    elif not run.checkpoint_step:
        reason = _("There is no checkpoint to go on from.")
    return reason


def rename_run(run: Run, name: str) -> Run:
    """Give the run another name; its slug, which programs use, stays."""
    run.name = name.strip()[:120] or run.name
    run.save(update_fields=["name"])
    news.tell_status(run.pk)
    return run


def delete_run(run: Run) -> None:
    """Forget a run that is not active, with its files."""
    deleted, _rows = Run.objects.filter(pk=run.pk, status__in=lifecycle.ENDED).delete()
    if not deleted:
        raise UserError(_("This run is still going."), _("Stop it first."), code="active", status=409)
    if run.cross_validation_id:
        CrossValidation.objects.filter(pk=run.cross_validation_id, runs=None).delete()
    workspace.discard(run)
    live.publish(f"project-{run.project_id}", "changed", {"kind": "run", "id": run.pk, "status": "deleted"})


def _announce(run: Run) -> None:
    news.tell_status(run.pk)
    jobs.ring(run.pk)


def readable_name(member: Membership, version: DatasetVersion, spec: TrainSpec) -> str:
    """ "Penguins · MLP · 3": the data, the architecture, and which one of these it is."""
    same = Run.objects.filter(project=member.project, version__dataset=version.dataset, architecture=spec.architecture)
    return f"{version.dataset.name[:70]} · {ARCHITECTURES[spec.architecture].title} · {same.count() + 1}"
