"""Data to begin with, in the first project of a new Touchstone."""

from typing import Any

from django.core.management.base import BaseCommand

from webapp.datasets.models import Dataset
from webapp.datasets.services import add_starter, starters
from webapp.projects.models import Membership


class Command(BaseCommand):
    help = "Add every starter data set to the first project, if nobody has brought data yet."

    def handle(self, *args: Any, **options: Any) -> None:
        """Safe to run on every start; the workers import what it adds."""
        member = Membership.objects.order_by("pk").first()
        if member is None or Dataset.objects.exists():
            return
        for starter in starters():
            add_starter(member=member, key=starter.key)
