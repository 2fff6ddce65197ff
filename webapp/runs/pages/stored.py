"""Everything that decided a training, as people read it."""

from __future__ import annotations

from dataclasses import dataclass

from django.utils.translation import gettext as _
from pydantic import JsonValue

from training.recipes import Recipe, Settings
from training.spec import Split, TrainSpec
from webapp.core.settings_form import CHOICE_WORDS


@dataclass(frozen=True)
class Setting:
    """One choice as it was stored."""

    title: str
    value: str
    about: str
    is_default: bool


@dataclass(frozen=True)
class SettingGroup:
    """Stored choices under one heading."""

    title: str
    settings: list[Setting]


def stored_settings(spec: TrainSpec) -> list[SettingGroup]:
    """Everything that decided the training, by what it is about."""
    network = spec.network()
    return [
        SettingGroup(network.title, _stored(network, type(network)())),
        SettingGroup(_("Training"), _stored(spec.recipe, Recipe())),
        SettingGroup(_("Held-out data"), _stored(spec.split, Split())),
    ]


def _stored(chosen: Settings, usual: Settings) -> list[Setting]:
    values, defaults = chosen.model_dump(mode="json"), usual.model_dump(mode="json")
    return [
        Setting(field.title or name, spoken(values[name]), field.description or "", values[name] == defaults[name])
        for name, field in type(chosen).model_fields.items()
    ]


def spoken(value: JsonValue) -> str:
    """A setting's value as people read it."""
    if isinstance(value, bool):
        return _("on") if value else _("off")
    if isinstance(value, float):
        return f"{value:g}"
    if isinstance(value, list):
        return ", ".join(spoken(item) for item in value) or "–"
    return "–" if value is None else str(CHOICE_WORDS.get(str(value), value))
