"""Labels by hand: they are kept as they come, and become a new version when the person says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from training.data.columns import can_be_classes
from training.data.schema import Column, Fix
from webapp.core import apart, storage
from webapp.core.errors import UserError
from webapp.datasets.models import DatasetVersion, Label, Revision
from webapp.datasets.pages import preview
from webapp.datasets.pages.cells import Cell, draw_row
from webapp.datasets.versions import services as versions
from webapp.projects.access import require_editor
from webapp.projects.models import Membership

LABELS = 60
"""Labels that the page offers."""
LONGEST = 120
MOST_WORDS = 3
"""Words that a label has on average at most."""
NEW_COLUMN = "label"


@dataclass(frozen=True)
class Example:
    """One row to label: what is known of it, and the label it has."""

    row: int
    cells: list[tuple[str, Cell]]
    """The other columns with their cells, whole."""
    label: str
    is_new: bool
    """Whether somebody gave it this label since the version was made."""


def columns_to_label(version: DatasetVersion) -> list[str]:
    """The columns that hold labels, the one that would be predicted first; a new one where there is none."""
    known = version.describe()
    targets = known.proposals[0].roles.get("target", []) if known.proposals else []
    names = [column.name for column in known.columns if _holds_labels(column)]
    return sorted(names, key=lambda name: name not in targets) or [NEW_COLUMN]


def read_example(version: DatasetVersion, column: str, row: int) -> Example:
    """The row as the person sees it, whole."""
    columns = list(enumerate(version.describe().columns))
    values = preview.read_picked(version, [row])[0]
    cells = draw_row(version, row, columns, values, whole=True)
    named = [(known.name, cell) for (_at, known), cell in zip(columns, cells, strict=True) if known.name != column]
    given = Label.objects.filter(version=version, column=column, row=row).first()
    stored = values.get(column)
    label = given.value if given else "" if stored is None else _plain(stored)
    return Example(row, [(name, cell) for name, cell in named if cell.kind != "missing"], label, given is not None)


def next_row(version: DatasetVersion, column: str, start: int) -> int | None:
    """The first row from `start` on that has no label yet, else the first from the beginning; None if none is left."""
    given = list(version.labels.filter(column=column).exclude(value="").values_list("row", flat=True))
    folder = storage.local_folder(version.folder)
    for begin in (start, 0) if start else (0,):
        found: int | None = apart.run_long("training.data.labelling:next_without", folder, column, begin, given)
        if found is not None:
            return found
    return None


def offered_labels(version: DatasetVersion, column: str) -> list[str]:
    """What the column's labels are, the commonest first, and what was given since."""
    known = next((known for known in version.describe().columns if known.name == column), None)
    top: Any = known.stats.get("top", []) if known else []
    given = version.labels.filter(column=column).exclude(value="").values_list("value", flat=True)
    return list(dict.fromkeys([*(_plain(entry["value"]) for entry in top), *given]))[:LABELS]


def give_label(*, member: Membership, version: DatasetVersion, column: str, row: int, value: str) -> None:
    """Keep a label for one row; nothing empties the cell."""
    require_editor(member)
    value = " ".join(value.split())
    if len(value) > LONGEST:
        raise UserError(_("A label has at most %(n)d characters.") % {"n": LONGEST}, _("Choose a shorter one."))
    if not 0 <= row < version.rows:
        raise UserError(_("There is no such row."), _("Go back to the dataset."))
    fields = {"value": value, "owner": member.user}
    Label.objects.update_or_create(version=version, column=column, row=row, defaults=fields)


@transaction.atomic
def give_labels(*, member: Membership, version: DatasetVersion, column: str, labels: Mapping[int, str]) -> None:
    """Keep labels for some rows, all of them or none."""
    for row, value in labels.items():
        give_label(member=member, version=version, column=column, row=row, value=value)


def save_labels(*, member: Membership, version: DatasetVersion, column: str) -> Revision:
    """Make a new version with the labels that were given."""
    given = version.labels.filter(column=column).order_by("row")
    if not given:
        raise UserError(_("No label was given yet."), _("Label some examples first."))
    values = {label.row: label.value or None for label in given}
    fix = Fix(key="set_values", title=_("Labels given by hand"), column=column, values=values)
    return versions.revise(member=member, version=version, fixes=[fix])


def forget_labels(version: DatasetVersion, column: str) -> None:
    """Throw away the labels that were given since the version was made."""
    version.labels.filter(column=column).delete()


def good_column(version: DatasetVersion, name: str) -> str:
    """The column to label: the one asked for, or the likeliest."""
    name = name.strip()
    known = {column.name: column for column in version.describe().columns}
    if not name:
        return columns_to_label(version)[0]
    if name.startswith("_") or (name in known and not _holds_labels(known[name])):
        raise UserError(
            _("“%(name)s” is no column of labels.") % {"name": name}, _("Choose another column."), code="no_labels"
        )
    return name[:LONGEST]


def _holds_labels(column: Column) -> bool:
    """Categories, codes, and short words of which there are still too few to tell."""
    length: Any = column.stats.get("length") or {}
    few_words = column.type == "text" and column.unique <= LABELS and length.get("words", MOST_WORDS + 1) <= MOST_WORDS
    return column.type in ("category", "boolean") or can_be_classes(column) or few_words


def _plain(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
