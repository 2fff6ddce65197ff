"""The list of a project's data sets: search, filters and order, all of them in the address."""

from dataclasses import dataclass

from django.core.paginator import Page, Paginator
from django.db.models import F, OuterRef, Q, Subquery
from django.db.models.fields.json import KT
from django.http import QueryDict

from webapp.datasets.models import Dataset, DatasetQuerySet, DatasetVersion, Upload
from webapp.projects.models import Project, User

PAGE = 50
ORDERS = {
    "name": "name",
    "kind": "kind",
    "rows": "rows",
    "size": "size",
    "created": "created",
}


@dataclass(frozen=True)
class Filters:
    """What the list is narrowed to."""

    words: str = ""
    status: str = ""
    sort: str = "-created"

    @property
    def narrowed(self) -> bool:
        return bool(self.words or self.status)

    def direction(self, key: str) -> str:
        """For `aria-sort`: whether and how the list is ordered by this column."""
        return {key: "ascending", f"-{key}": "descending"}.get(self.sort, "")


def read_filters(query: QueryDict) -> Filters:
    """The filters of an address; what makes no sense is left out."""
    status, sort = query.get("status", ""), query.get("sort", "")
    return Filters(
        words=query.get("q", "").strip()[:100],
        status=status if status in Dataset.Status.values else "",
        sort=sort if sort.removeprefix("-") in ORDERS else "-created",
    )


def list_datasets(project: Project, filters: Filters, page: str) -> Page[Dataset]:
    """One page of data sets, each with `rows`, `size`, `kind` and `task` of its newest version."""
    found = with_newest(Dataset.objects.filter(project=project).select_related("owner"))
    if filters.words:
        found = found.filter(
            Q(name__icontains=filters.words) | Q(about__icontains=filters.words) | Q(filename__icontains=filters.words)
        )
    if filters.status:
        found = found.filter(status=filters.status)
    column = F(ORDERS[filters.sort.removeprefix("-")])
    down = filters.sort.startswith("-")
    ordered = found.order_by(column.desc(nulls_last=True) if down else column.asc(nulls_last=True), "-pk")
    return Paginator(ordered, PAGE).get_page(page)


def with_newest(datasets: DatasetQuerySet) -> DatasetQuerySet:
    """Add what lists show of the newest version, without reading its whole description."""
    newest = DatasetVersion.objects.filter(dataset=OuterRef("pk")).order_by("-number")
    return datasets.annotate(
        rows=Subquery(newest.values("rows")[:1]),
        size=Subquery(newest.values("bytes")[:1]),
        kind=Subquery(newest.annotate(kind=KT("description__kind")).values("kind")[:1]),
        task=Subquery(newest.annotate(task=KT("description__proposals__0__task")).values("task")[:1]),
    )


def unfinished_uploads(project: Project, user: User) -> list[Upload]:
    """One's own files that stopped on their way in."""
    return list(Upload.objects.filter(project=project, owner=user, dataset=None, received__gt=0).order_by("-touched"))
