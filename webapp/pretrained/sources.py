"""Which models a person may start from: packaged ones, the project's own, a hub's; folders are the administrators'."""

from __future__ import annotations

import re
from pathlib import Path

from django.utils.translation import gettext as _

from training.pretrained.packaged import OWN
from webapp.core.errors import UserError
from webapp.pretrained.models import OwnModel
from webapp.projects.models import Membership

_ON_A_HUB = re.compile(r"(?:[A-Za-z0-9_][\w.-]*/)?[A-Za-z0-9_][\w.-]*")
"""What ids on the Hugging Face hub look like; no path that leads anywhere."""


def refusal_of(source: object, member: Membership) -> str:
    """Why this member may not start from the source, with what to do instead; empty if they may."""
    named = str(source or "")
    if named.startswith(OWN):
        return "" if _is_own(named, member) else _("This project has no such model. Choose one of the list.")
    if not named or named.startswith("package:") or member.user.is_superuser:
        return ""
    if _ON_A_HUB.fullmatch(named) and not Path(named).exists():
        return ""
    return _(
        "Only administrators may name a folder on the server. Bring the model as a ZIP under Your own models, "
        "or name one on the Hugging Face hub (owner/model)."
    )


def check_source(source: object, member: Membership) -> None:
    """Raise UserError where the member may not start from the source."""
    if reason := refusal_of(source, member):
        message, _dot, hint = reason.partition(". ")
        raise UserError(f"{message}.", hint, code="no_source", status=403)


def _is_own(source: str, member: Membership) -> bool:
    key = source.removeprefix(OWN)
    return OwnModel.objects.filter(project=member.project_id, key=key).exists()
