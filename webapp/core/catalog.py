"""The catalog as data: every task and architecture with its settings, read from the registries."""

from pydantic import BaseModel, JsonValue

from training.architectures import ARCHITECTURES, Architecture, architectures_for
from training.recipes import PRESETS, Recipe
from training.reference import about
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
        about=about(task),
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
        about=about(architecture),
        good_for=architecture.good_for,
        paper=architecture.paper,
        tasks=[key for key in TASKS if key in architecture.tasks],
        settings=architecture.model_json_schema(),
    )
