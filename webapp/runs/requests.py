"""What a REST call asks for, checked: who calls, what the body says, which data it means."""

from __future__ import annotations

from typing import Any, cast

from django.utils.translation import gettext as _
from rest_framework.request import Request
from rest_framework.serializers import Serializer

from training.spec import TrainSpec
from webapp.core.errors import UserError
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.pretrained.sources import check_source
from webapp.projects.access import membership_or_404
from webapp.projects.models import Membership, User
from webapp.runs import services


def person_of(request: Request) -> User:
    """Who calls; only people who are logged in get this far."""
    return cast(User, request.user)


def valid(shape: type[Serializer[Any]], data: Any) -> dict[str, Any]:
    """The data in the given shape; raises DRF's ValidationError."""
    checked = shape(data=data)
    checked.is_valid(raise_exception=True)
    return cast(dict[str, Any], checked.validated_data)


def data_of(request: Request, wanted: dict[str, Any], *, edit: bool) -> tuple[Membership, DatasetVersion]:
    """The caller's seat in the data set's project, and the version to learn from."""
    dataset = Dataset.objects.visible_to(person_of(request)).filter(pk=wanted["dataset"]).first()
    if dataset is None or wanted.get("project") not in (None, dataset.project_id):
        message = _("There is no data set %(id)d in this project.") % {"id": wanted["dataset"]}
        raise UserError(message, _("List them at /api/v1/datasets/."), code="not_found", status=404)
    member = membership_or_404(person_of(request), dataset.project_id, edit=edit)
    number = wanted.get("version")
    version = dataset.versions.filter(number=number).first() if number else dataset.latest
    if version is None:
        message = _("“%(name)s” is not ready.") % {"name": dataset.name}
        raise UserError(message, _("Wait for its import, or see why it failed."), code="not_ready", status=409)
    return member, version


def spec_of(wanted: dict[str, Any], version: DatasetVersion, member: Membership) -> TrainSpec:
    """What is given, completed; see `services.propose_spec`."""
    check_source((wanted.get("settings") or {}).get("source"), member)
    names = ("task", "roles", "architecture", "settings", "recipe", "split", "preset", "start_from")
    return services.propose_spec(version, **{name: wanted[name] for name in names if name in wanted})
