"""Which rows are held out: the way that is chosen in the preview, and how many rows each part gets."""

from __future__ import annotations

import json
from dataclasses import dataclass
from hashlib import sha256
from typing import get_args

from django.core.cache import cache
from django.http import QueryDict
from django.utils.translation import gettext as _

from training.data.columns import says_parts
from training.data.roles import usual_split
from training.data.schema import Column, Description
from training.errors import TrainingError
from training.spec import Split, SplitMethod
from webapp.core import apart, storage
from webapp.core.settings_form import choice_words
from webapp.datasets.models import DatasetVersion
from webapp.datasets.pages.choices import Choice

KEEP_SECONDS = 86_400
NEEDS_COLUMN: tuple[SplitMethod, ...] = ("group", "time", "column")


@dataclass(frozen=True)
class Division:
    """A way to divide, with the rows of each part, or the sentence why it cannot be done."""

    how: SplitMethod
    column: str
    columns: list[str]
    """What the rows can be divided by in this way."""
    counts: dict[str, int]
    problem: str = ""

    usual: bool = False
    """Whether it is what would be proposed."""

    @property
    def query(self) -> dict[str, str]:
        """What an address says of it; nothing when it is the usual way."""
        if self.usual:
            return {}
        return {"split-how": self.how} | ({"split-column": self.column} if self.column else {})

    @property
    def split(self) -> Split:
        """What a run is told; at random while there is no column to divide by."""
        return Split() if self.how in NEEDS_COLUMN and not self.column else Split(how=self.how, column=self.column)


def ways(description: Description) -> list[tuple[str, str]]:
    """Each way to divide with its name; parts that the files brought are kept."""
    names = {key: choice_words(key) for key in get_args(SplitMethod)}
    if {"test", "val"} & set(description.parts):
        names["random"] = _("As the files say")
    return list(names.items())


def read_division(
    version: DatasetVersion, description: Description, choice: Choice | None, query: QueryDict
) -> Division:
    """The division that a query string describes, counted; where a way needs a column, the first that fits is taken."""
    usual = usual_split(description, choice.task.key, choice.roles) if choice else Split()
    how = next((way for way in get_args(SplitMethod) if way == query.get("split-how")), usual.how)
    target = (choice.roles.get("target") or [""])[0] if choice else ""
    columns = fitting_columns(description, how, target)
    column = next((name for name in (query.get("split-column", ""), usual.column, *columns) if name in columns), "")
    is_usual = (how, column) == (usual.how, usual.column)
    if how in NEEDS_COLUMN and not column:
        return Division(how, "", [], {}, _("No column fits. Choose another way."))
    if how == "stratified" and not target:
        return Division(how, "", [], {}, _("Choose a column to predict first."))
    try:
        counts = count_examples(version, Split(how=how, column=column), target)
    except TrainingError as error:
        return Division(how, column, columns, {}, f"{error.message} {error.hint}")
    return Division(how, column, columns, counts, usual=is_usual)


def fitting_columns(description: Description, how: str, target: str) -> list[str]:
    """What the rows can be divided by in this way, which is not what is predicted; nothing where none is needed."""
    return [column.name for column in description.columns if column.name != target and _fits(how, column, description)]


def _fits(how: str, column: Column, description: Description) -> bool:
    if how == "time":
        return column.type in ("date", "number")
    if how == "group":
        return column.type in ("category", "text", "number") and 2 < column.unique < description.rows
    return how == "column" and column.type in ("category", "text") and says_parts(column)


def count_examples(version: DatasetVersion, split: Split, target: str) -> dict[str, int]:
    """Examples per part as this division makes them; TrainingError where it cannot be made.

    target: the column to predict, "" where there is none. A version never changes, so what was counted is kept.
    """

    def look() -> dict[str, int]:
        folder = storage.local_folder(version.folder)
        found: dict[str, int] = apart.run_long("training.data.split:count_parts", folder, split, target)
        return found

    asked = json.dumps([version.pk, split.model_dump(), target])
    return cache.get_or_set(f"parts-{sha256(asked.encode()).hexdigest()}", look, KEEP_SECONDS) or {}
