"""The first account of a new Touchstone."""

import os
import secrets
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand
from django.db import transaction
from django.utils.translation import gettext as _

from webapp.projects.models import User
from webapp.projects.services import create_project, create_token

NAME = "admin"
TOKEN_NAME = "First administrator"


class Command(BaseCommand):
    help = "Make the first administrator, their project and their API token, unless there is one already."

    @transaction.atomic
    def handle(self, *args: Any, **options: Any) -> None:
        """Safe to run on every start."""
        admin = User.objects.filter(is_superuser=True).order_by("pk").first() or self._make_admin()
        path = Path(settings.DATA_DIR) / "admin-token"
        if not path.exists():
            _write_secret(path, create_token(user=admin, name=TOKEN_NAME))

    def _make_admin(self) -> User:
        given = os.environ.get("TOUCHSTONE_ADMIN_PASSWORD")
        password = given or secrets.token_urlsafe(12)
        admin = User.objects.create_superuser(NAME, password=password)
        create_project(owner=admin, name=_("My project"))
        if not given:
            self.stdout.write(f"Log in as {NAME} with the password {password} (shown only this once).")
        return admin


def _write_secret(path: Path, secret: str) -> None:
    """Readable by nobody else from the first moment on."""
    path.touch(mode=0o600)
    path.write_text(secret + "\n")
