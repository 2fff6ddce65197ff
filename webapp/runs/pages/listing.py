"""The runs of a project, searched, filtered and sorted by what stands in the address."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from django.core.paginator import Page, Paginator
from django.db.models import F, Q
from django.db.models.functions import Lower
from django.http import QueryDict

from training.architectures import ARCHITECTURES
from training.tasks import TASKS
from webapp.datasets.models import Dataset
from webapp.projects.models import Project, User
from webapp.runs.models import Run, RunQuerySet

PAGE_SIZE = 50
SORTS: Mapping[str, F | Lower] = {
    "created": F("created"),
    "name": Lower("name"),
    "status": F("status"),
    "task": F("task"),
    "dataset": Lower("version__dataset__name"),
    "architecture": F("architecture"),
    "score": F("headline__value"),
    "seconds": F("seconds"),
    "owner": Lower("owner__username"),
}
NEWEST_FIRST = "-created"


@dataclass(frozen=True)
class Choice:
    """One entry of a filter's dropdown."""

    key: str
    title: str


class RunListing:
    """What a project's runs page shows for one query string."""

    def __init__(self, project: Project, query: QueryDict) -> None:
        self.project = project
        self.query = query

    @property
    def everything(self) -> RunQuerySet:
        return Run.objects.filter(project=self.project)

    @property
    def sort(self) -> str:
        asked = self.query.get("sort", "")
        return asked if asked.removeprefix("-") in SORTS else NEWEST_FIRST

    @property
    def is_filtered(self) -> bool:
        return any(self.query.get(name) for name in ("q", "status", "task", "dataset", "architecture", "owner"))

    @cached_property
    def runs(self) -> RunQuerySet:
        """The runs that fit, in the order asked for."""
        column = SORTS[self.sort.removeprefix("-")]
        ordering = column.desc(nulls_last=True) if self.sort.startswith("-") else column.asc(nulls_last=True)
        return self.everything.filter(self._words(), self._choices()).order_by(ordering, "-pk")

    def _words(self) -> Q:
        words = self.query.get("q", "").split()
        return Q(*(Q(name__icontains=word) | Q(version__dataset__name__icontains=word) for word in words))

    def _choices(self) -> Q:
        chosen = {name: self.query.get(name, "") for name in ("status", "task", "architecture")}
        fits = Q(**{name: value for name, value in chosen.items() if value})
        if (dataset := self.query.get("dataset", "")).isdigit():
            fits &= Q(version__dataset=int(dataset))
        if owner := self.query.get("owner"):
            fits &= Q(owner__username=owner)
        return fits

    @cached_property
    def page(self) -> Page[Run]:
        runs = self.runs.select_related("version__dataset", "owner")
        return Paginator(runs, PAGE_SIZE).get_page(self.query.get("page"))

    @property
    def statuses(self) -> list[Choice]:
        return [Choice(key, str(title)) for key, title in Run.Status.choices]

    @property
    def tasks(self) -> list[Choice]:
        used = {task for task, _architecture, _owner, _version in self._used}
        return [Choice(key, task.title) for key, task in TASKS.items() if key in used]

    @property
    def architectures(self) -> list[Choice]:
        used = {architecture for _task, architecture, _owner, _version in self._used}
        return [Choice(key, architecture.title) for key, architecture in ARCHITECTURES.items() if key in used]

    @property
    def datasets(self) -> list[Choice]:
        versions = {version for _task, _architecture, _owner, version in self._used}
        used = Dataset.objects.filter(versions__in=versions).distinct().order_by(Lower("name"))
        return [Choice(str(dataset.pk), dataset.name) for dataset in used]

    @property
    def owners(self) -> list[Choice]:
        owners = {owner for _task, _architecture, owner, _version in self._used}
        used = User.objects.filter(pk__in=owners).order_by(Lower("username"))
        return [
            Choice(user.username, user.get_full_name() or user.username) for user in used.order_by(Lower("username"))
        ]

    @cached_property
    def _used(self) -> list[tuple[str, str, int, int]]:
        """Tasks, architectures, owners and versions that occur together, in one pass over the project's runs."""
        together = self.everything.order_by().values_list("task", "architecture", "owner_id", "version_id")
        return list(together.distinct())
