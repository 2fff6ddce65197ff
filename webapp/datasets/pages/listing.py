"""The list of a project's data sets: search, filters and order, all of them in the address."""

from dataclasses import dataclass
from functools import reduce
from operator import or_
from typing import get_args

from django.core.paginator import Page, Paginator
from django.db.models import Exists, F, OuterRef, Q, Subquery
from django.db.models.fields.json import KT
from django.http import QueryDict

from training.data.schema import DataKind
from webapp.datasets.models import Dataset, DatasetQuerySet, DatasetVersion, Tag, Upload
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
    kind: str = ""
    tag: str = ""
    archived: bool = False
    """Whether to show what was put out of the way, instead of everything else."""
    sort: str = "-created"

    @property
    def narrowed(self) -> bool:
        return bool(self.words or self.status or self.kind or self.tag or self.archived)

    def direction(self, key: str) -> str:
        """For `aria-sort`: whether and how the list is ordered by this column."""
        return {key: "ascending", f"-{key}": "descending"}.get(self.sort, "")


def read_filters(query: QueryDict) -> Filters:
    """The filters of an address; what makes no sense is left out."""
    status, kind, sort = query.get("status", ""), query.get("kind", ""), query.get("sort", "")
    return Filters(
        words=query.get("q", "").strip()[:100],
        status=status if status in Dataset.Status.values else "",
        kind=kind if kind in get_args(DataKind) else "",
        tag=query.get("tag", "").strip().lower()[:100],
        archived=query.get("archived", "") == "1",
        sort=sort if sort.removeprefix("-") in ORDERS else "-created",
    )


def list_datasets(project: Project, filters: Filters, page: str) -> Page[Dataset]:
    """One page of data sets, each with `rows`, `size`, `kind` and `task` of its newest version."""
    found = with_newest(Dataset.objects.filter(project=project).select_related("owner").prefetch_related("tags"))
    found = narrow(found, filters)
    column = F(ORDERS[filters.sort.removeprefix("-")])
    down = filters.sort.startswith("-")
    ordered = found.order_by(column.desc(nulls_last=True) if down else column.asc(nulls_last=True), "-pk")
    return Paginator(ordered, PAGE).get_page(page)


def narrow(datasets: DatasetQuerySet, filters: Filters) -> DatasetQuerySet:
    """Those that the filters leave, of data sets that `with_newest` has prepared."""
    found = datasets.filter(archived__isnull=not filters.archived)
    if filters.words:
        places = ("name", "about", "filename")
        tagged = Tag.objects.filter(dataset=OuterRef("pk"), word__icontains=filters.words)
        found = found.filter(
            reduce(or_, (Q(**{f"{place}__icontains": filters.words}) for place in places), Q(Exists(tagged)))
        )
    if filters.status:
        found = found.filter(status=filters.status)
    if filters.kind:
        found = found.filter(Q(("kind", filters.kind)))  # a column that `with_newest` adds
    return found.filter(tags__word=filters.tag) if filters.tag else found


def tags_of(project: Project) -> list[str]:
    """Every tag that a data set of the project has, in order."""
    return sorted(set(Tag.objects.filter(dataset__project=project).values_list("word", flat=True)))


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
