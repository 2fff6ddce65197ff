"""What the new run page offers, box by box."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.forms.boundfield import BoundField
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from training.data.schema import Column, Description, Proposal
from training.recipes import Preset
from training.tasks import Role, Task
from webapp.core.settings_form import SettingsForm

RECIPE_GROUPS: tuple[tuple[Promise, tuple[str, ...]], ...] = (
    (gettext_lazy("Length and batches"), ("epochs", "minutes", "batch_size", "accumulate", "evaluations", "patience")),
    (
        gettext_lazy("Optimiser"),
        ("optimizer", "lr", "find_lr", "schedule", "warmup", "momentum", "nesterov", "weight_decay", "l1", "clip_norm"),
    ),
    (gettext_lazy("Averages and ensembles"), ("average", "ema_decay", "swa_share", "ensemble", "bagging")),
)
"""Recipe fields by what people look for; those not named here come last under one heading."""

PRESET_WORDS: dict[Preset, tuple[Promise, Promise]] = {
    "quick": (gettext_lazy("Quick"), gettext_lazy("A first impression")),
    "balanced": (gettext_lazy("Balanced"), gettext_lazy("What most people should take")),
    "thorough": (gettext_lazy("Thorough"), gettext_lazy("The best result, if time allows")),
}


@dataclass(frozen=True)
class Missing:
    """A step that is still to be done before Start: the button's label, why, and the element to go to."""

    label: str
    text: str
    anchor: str


@dataclass(frozen=True)
class TaskChoice:
    """A task as one of the answers to “what should the model learn?”."""

    key: str
    title: str
    about: str
    proposal: Proposal | None
    fits: bool
    chosen: bool


@dataclass(frozen=True)
class RoleChoice:
    """The columns that can have a role, and those that have it."""

    role: Role
    columns: list[Column]
    """Those of a type that suits the role and that have no other role which takes one column."""
    chosen: list[str]
    proposed: list[str]
    set_apart: str
    """The column that would suit the role but divides the rows; empty where there is none."""


@dataclass(frozen=True)
class ArchitectureCard:
    """An architecture in plain words, with what it would take on this data."""

    key: str
    title: str
    about: str
    good_for: str
    recommended: bool
    chosen: bool
    estimate: dict[str, Any] | None


@dataclass(frozen=True)
class FieldGroup:
    """Advanced settings under one heading."""

    title: str
    fields: list[BoundField]


def wrong_fields(form: SettingsForm) -> Iterator[Missing]:
    """What has to be corrected in a form of settings, field by field."""
    for name, sentences in form.errors.items():
        field = form[name] if name in form.fields else None
        title = str(field.label) if field else _("Settings")
        anchor = field.id_for_label if field else "box-settings"
        yield Missing(_("Correct “%(field)s”") % {"field": title}, f"{title}: {sentences[0]}", anchor)


def can_fill(task: type[Task], description: Description) -> bool:
    """Whether each role finds a column of its own."""
    candidates = [{column.name for column in description.columns if column.type in role.types} for role in task.roles]
    return all(candidates) and len(set[str]().union(*candidates)) >= len(candidates)
