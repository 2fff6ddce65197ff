"""What the columns of a run in the making are for: what the person chose, and what divides the rows."""

from __future__ import annotations

from functools import cached_property

from django.http import QueryDict

from training.data.roles import usual_split, without_divider
from training.data.schema import Description
from training.proposing import complete_roles
from training.spec import Split
from training.tasks import Task
from webapp.runs.drafting.division import asked_division


class DraftColumns:
    """The columns of one task, from the page's query or its form."""

    def __init__(self, description: Description, task: type[Task], data: QueryDict) -> None:
        self.description = description
        self.task = task
        self.data = data

    @cached_property
    def asked(self) -> dict[str, list[str]]:
        """The columns that the person chose; what is to be predicted or divides the rows is not learnt from."""
        free = without_divider(self.task.key, self._named, self.divided)
        return {key: names for key, names in free.items() if names}

    @cached_property
    def usual_split(self) -> Split:
        """How the rows are divided if the person leaves it alone."""
        return usual_split(self.description, self.task.key, self._completed)

    @cached_property
    def divided(self) -> Split:
        """The way to divide, with its column."""
        return asked_division(self.usual_split, self.data, description=self.description, target=self.target)

    @property
    def target(self) -> str:
        """The column to predict; empty where there is none."""
        return next(iter(self._completed.get("target", [])), "")

    @cached_property
    def _completed(self) -> dict[str, list[str]]:
        return complete_roles(self.description, self.task.key, self._named)

    @cached_property
    def _named(self) -> dict[str, list[str]]:
        known = {column.name for column in self.description.columns}
        asked = {role.key: self.data.getlist(f"role.{role.key}") for role in self.task.roles}
        single = {name for role in self.task.roles if not role.many for name in asked[role.key]}
        for role in self.task.roles:
            asked[role.key] = [name for name in asked[role.key] if name in known and not (role.many and name in single)]
        return {key: names for key, names in asked.items() if names}
