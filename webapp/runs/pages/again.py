"""A run once more, as it was or with some fields of its recipe changed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from pydantic import JsonValue

from training.recipes import Recipe
from webapp.runs.models import Run
from webapp.runs.pages.stored import spoken


def clone_url(run: Run, changes: Mapping[str, JsonValue] | None = None) -> str:
    """The new run page filled in like this run, with some recipe fields changed."""
    spec = run.train_spec()
    choices: list[tuple[str, str]] = [("dataset", str(run.version.dataset_id)), ("task", spec.task)]
    choices += [(f"role.{role}", column) for role, columns in spec.roles.items() for column in columns]
    choices += [("architecture", spec.architecture), ("start_from", str(_start_of(run) or ""))]
    recipe = spec.recipe.model_dump(mode="json") | dict(changes or {})
    for prefix, values in ((spec.architecture, spec.settings), ("recipe", recipe), ("split", spec.split.model_dump())):
        choices += [(f"{prefix}-{name}", _form_value(value)) for name, value in values.items()]
    return f"{reverse('run-new')}?{urlencode(choices)}"


def _form_value(value: JsonValue) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, list):
        return ", ".join(_form_value(item) for item in value)
    return "" if value is None else str(value)


def changed_choices(run: Run, changes: Mapping[str, JsonValue]) -> dict[str, Any]:
    """The run's choices with some recipe fields changed, as `services.propose_spec` takes them."""
    spec = run.train_spec().model_dump(mode="json", exclude={"data", "start_from"})
    return spec | {"recipe": spec["recipe"] | dict(changes), "start_from": _start_of(run)}


def _start_of(run: Run) -> int | None:
    """The number of the run that it starts from."""
    named = run.train_spec().start_from.removeprefix("run:")
    return int(named) if named else None


def change_words(changes: Mapping[str, JsonValue]) -> str:
    """Changed recipe fields for a button: “Learning rate 0.0001, Batch size 16”."""
    titles = {name: field.title or name for name, field in Recipe.model_fields.items()}
    return ", ".join(f"{titles.get(name, name)} {spoken(value)}" for name, value in changes.items())
