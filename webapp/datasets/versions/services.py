"""New versions of a data set: what people ask for. A version never changes; every change makes another one."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import Any

from django.core.cache import cache
from django.db import transaction
from django.db.models import ProtectedError
from django.utils.translation import gettext as _

from training.data.schema import Fix
from webapp.core import apart, storage
from webapp.core.errors import UserError
from webapp.datasets.jobs import make_version
from webapp.datasets.models import DatasetVersion, Revision
from webapp.datasets.services import in_use
from webapp.datasets.uploading.quota import check_quota
from webapp.projects.access import require_editor
from webapp.projects.models import Membership

KEEP_SECONDS = 7 * 86_400
"""How long a comparison of two versions is remembered; it never changes."""


def apply_findings(*, member: Membership, version: DatasetVersion, findings: Sequence[int]) -> Revision:
    """Carry out the remedies of some of the version's findings, given by their places in its quality report."""
    known = version.describe().quality
    chosen = [known[place].fix for place in dict.fromkeys(findings) if 0 <= place < len(known)]
    return revise(member=member, version=version, fixes=[fix for fix in chosen if fix is not None])


def revise(*, member: Membership, version: DatasetVersion, fixes: Sequence[Fix]) -> Revision:
    """Write down what is to be changed, and call a worker once it is safely written."""
    require_editor(member)
    if not fixes:
        raise UserError(_("Nothing is chosen that could be changed."), _("Choose a finding that offers a remedy."))
    return _ask(member, version, [fix.model_dump(mode="json") for fix in fixes])


def read_sheet(*, member: Membership, version: DatasetVersion, sheet: str) -> Revision:
    """Make the next version of another sheet of the workbook that was brought."""
    require_editor(member)
    sheets = version.describe().sheets
    if sheet not in sheets:
        raise UserError(
            _("There is no sheet “%(sheet)s” with rows.") % {"sheet": sheet},
            _("Choose one of these: %(sheets)s.") % {"sheets": ", ".join(sheets)}
            if sheets
            else _("Only a workbook with several sheets offers a choice."),
            code="no_sheet",
        )
    return _ask(member, version, [{"key": "read_sheet", "sheet": sheet}])


@transaction.atomic
def _ask(member: Membership, version: DatasetVersion, steps: list[dict[str, Any]]) -> Revision:
    check_quota(member.project, version.bytes)
    revision = Revision.objects.create(dataset=version.dataset, base=version, owner=member.user, steps=steps)
    transaction.on_commit(partial(make_version.delay, revision.pk), robust=True)
    return revision


def delete_version(version: DatasetVersion) -> None:
    """Forget one version; refused, with the reason, when a run used it or nothing would be left."""
    if version.dataset.versions.count() == 1:
        raise UserError(
            _("This is the only version."), _("Delete the whole dataset instead."), code="last_version", status=409
        )
    if version.revisions.filter(status=Revision.Status.MAKING).exists():
        raise UserError(_("A new version is being made of this one."), _("Wait until it is ready."), status=409)
    try:
        version.delete()
    except ProtectedError as error:
        raise in_use(error.protected_objects) from error
    storage.delete_folder(version.folder)


def compare(before: DatasetVersion, after: DatasetVersion) -> dict[str, Any]:
    """What is different between two versions: `training.data.difference.Difference` as JSON."""

    def look() -> dict[str, Any]:
        folders = [storage.local_folder(version.folder) for version in (before, after)]
        found: dict[str, Any] = apart.run_long("training.data.difference:describe_difference", *folders, _target(after))
        return found

    return cache.get_or_set(f"versions-{before.pk}-{after.pk}", look, KEEP_SECONDS) or {}


def _target(version: DatasetVersion) -> str:
    """The column whose values are classes, if there is one to predict."""
    known = version.describe()
    names = known.proposals[0].roles.get("target", []) if known.proposals else []
    return next((column.name for column in known.columns if column.name in names and "top" in column.stats), "")
