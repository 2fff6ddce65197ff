"""The catalog as data: every task and architecture with its settings, read from the registries."""

import inspect
import re

from pydantic import BaseModel, JsonValue

from training.architectures import ARCHITECTURES, Architecture, architectures_for
from training.recipes import PRESETS, Recipe, Settings
from training.tasks import TASKS, Metric, Role, Task

PRESET_NAMES: list[str] = list(PRESETS)


class CatalogTask(BaseModel):
    """What can be learnt."""

    key: str
    title: str
    about: str
    roles: list[Role]
    metrics: list[Metric]
    """The first is the headline."""
    tryout: str
    recommended: str
    architectures: list[str]


class CatalogArchitecture(BaseModel):
    """What can be trained, with the JSON schema of its settings."""

    key: str
    title: str
    about: str
    good_for: str
    paper: str
    tasks: list[str]
    settings: dict[str, JsonValue]


class Catalog(BaseModel):
    """Everything that a run can be made of."""

    tasks: list[CatalogTask]
    architectures: list[CatalogArchitecture]
    recipe: dict[str, JsonValue]
    presets: list[str]


class SettingRow(BaseModel):
    """One setting in words."""

    name: str
    title: str
    about: str
    default: str
    limits: str


def read_catalog() -> Catalog:
    """Everything that is registered, simplest first."""
    return Catalog(
        tasks=[task_entry(task) for task in TASKS.values()],
        architectures=[architecture_entry(architecture) for architecture in ARCHITECTURES.values()],
        recipe=Recipe.model_json_schema(),
        presets=PRESET_NAMES,
    )


def task_entry(task: type[Task]) -> CatalogTask:
    """One task of the catalog."""
    return CatalogTask(
        key=task.key,
        title=task.title,
        about=_about(task),
        roles=list(task.roles),
        metrics=list(task.metrics),
        tryout=task.tryout,
        recommended=task.recommended,
        architectures=[architecture.key for architecture in architectures_for(task.key)],
    )


def architecture_entry(architecture: type[Architecture]) -> CatalogArchitecture:
    """One architecture of the catalog."""
    return CatalogArchitecture(
        key=architecture.key,
        title=architecture.title,
        about=_about(architecture),
        good_for=architecture.good_for,
        paper=architecture.paper,
        tasks=[key for key in TASKS if key in architecture.tasks],
        settings=architecture.model_json_schema(),
    )


def setting_rows(settings: type[Settings]) -> list[SettingRow]:
    """The settings of a class as its page shows them, in the order in which they are written."""
    properties = settings.model_json_schema()["properties"]
    return [_setting_row(name, schema) for name, schema in properties.items()]


def _setting_row(name: str, schema: dict[str, JsonValue]) -> SettingRow:
    return SettingRow(
        name=name,
        title=str(schema.get("title", name)),
        about=str(schema.get("description", "")),
        default=_plain(schema.get("default")),
        limits=_limits(schema),
    )


def _limits(schema: dict[str, JsonValue]) -> str:
    if isinstance(choices := schema.get("enum"), list):
        return ", ".join(_plain(choice) for choice in choices)
    if schema.get("type") == "boolean":
        return "yes, no"
    low = _bound(schema, "minimum", "exclusiveMinimum", ("from", "above"))
    high = _bound(schema, "maximum", "exclusiveMaximum", ("to", "below"))
    return f"{low} {high}".strip()


def _bound(schema: dict[str, JsonValue], name: str, exclusive: str, words: tuple[str, str]) -> str:
    if name in schema:
        return f"{words[0]} {_plain(schema[name])}"
    return f"{words[1]} {_plain(schema[exclusive])}" if exclusive in schema else ""


def _plain(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float | int):
        return f"{value:,.10g}"
    return "" if value is None else str(value)


def _about(entry: type) -> str:
    return re.sub(r"\s+", " ", inspect.getdoc(entry) or "")
