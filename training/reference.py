"""The catalog in words: what can be learnt and with what, as rows of settings and as the page docs/catalog.md."""

import inspect
import re

from pydantic import BaseModel, JsonValue

from training.architectures import ARCHITECTURES, Architecture, architectures_for
from training.experiments import EXPERIMENTS
from training.recipes import Recipe, Settings
from training.tasks import TASKS, Task


class SettingRow(BaseModel):
    """One setting in words."""

    name: str
    title: str
    about: str
    default: str
    limits: str


def about(entry: type) -> str:
    """What a task or an architecture says of itself, on one line."""
    return re.sub(r"\s+", " ", inspect.getdoc(entry) or "")


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


def catalog_page() -> str:
    """docs/catalog.md: every task, architecture, setting and experiment, from the registries."""
    lines = [
        "# Catalog",
        "",
        "Written by `python -m training catalog` from the registries; a test compares. The same stands in the product",
        "under *Catalog*, and as JSON at `/api/v1/catalog/`.",
    ]
    lines += ["", "## Tasks", *(line for task in TASKS.values() for line in _task(task))]
    lines += ["", "## Architectures", *(line for kind in ARCHITECTURES.values() for line in _architecture(kind))]
    lines += ["", "## Recipe", "", "How a network is trained, the same for every architecture.", "", *_settings(Recipe)]
    lines += ["", "## Starter experiments", ""]
    lines += [f"- **{one.title}** ({one.takes}). {one.about()} *{one.result}*" for one in EXPERIMENTS.values()]
    return "\n".join(lines) + "\n"


def _task(task: type[Task]) -> list[str]:
    roles = ", ".join(f"{role.title} (`{role.key}`: {' or '.join(role.types)})" for role in task.roles)
    measures = ", ".join(metric.title for metric in task.metrics)
    able = ", ".join(kind.title for kind in architectures_for(task.key))
    return [
        "",
        f"### {task.title}",
        "",
        f"`{task.key}`. {about(task)}",
        "",
        f"- Columns: {roles}",
        f"- Judged by: {measures}",
        f"- Learnt by: {able}; proposed is {ARCHITECTURES[task.recommended].title}",
    ]


def _architecture(kind: type[Architecture]) -> list[str]:
    return [
        "",
        f"### {kind.title}",
        "",
        f"`{kind.key}`. {about(kind)} {kind.good_for}",
        "",
        f"- Learns to: {', '.join(TASKS[task].title for task in kind.tasks)}",
        f"- Paper: {kind.paper}",
        "",
        *_settings(kind),
    ]


def _settings(settings: type[Settings]) -> list[str]:
    if not settings.model_fields:
        return ["It has no settings."]
    rows = [
        f"| {row.title} (`{row.name}`) | {row.about} | {row.default} | {row.limits} |" for row in setting_rows(settings)
    ]
    return ["| setting | what it does | default | allowed |", "|---|---|---|---|", *rows]
