"""The frozen description of one training: what, on which data, with which network, and how."""

from pathlib import Path
from typing import Literal, Self, TypeAlias

from pydantic import Field, JsonValue, ValidationError, model_validator

from training.architectures import ARCHITECTURES, Architecture
from training.errors import TrainingError
from training.recipes import ABOUT_SOME, Recipe, Settings
from training.tasks import TASKS, Task

SplitMethod: TypeAlias = Literal["random", "stratified", "group", "time", "column"]


class Split(Settings):
    """Which examples are kept away from the training. A data set that brings its own test part keeps it."""

    test: float = Field(
        0.2, gt=0, le=0.5, title="Held-out share", description="Examples the model never sees; they judge the result."
    )
    validation: float = Field(
        0.0,
        ge=0,
        le=0.5,
        title="Validation share",
        description="Examples that only choose the best moment; needed for early stopping.",
    )
    seed: int = Field(0, ge=0, le=2**31 - 1, title="Split seed", description="Another number, another division.")
    how: SplitMethod = Field(
        "random",
        title="Divide",
        description="At random; with each class in equal shares; groups whole, so that one person or device is on one "
        "side only; by time, the latest held out; or as a column says (train, val, test).",
    )
    column: str = Field(
        "",
        max_length=200,
        title="Column to divide by",
        description="The group, the time or the part of each row. Not needed when dividing at random or by class.",
    )
    folds: int = Field(
        0,
        ge=0,
        le=20,
        title="Folds",
        description="For cross-validation: the examples are divided into so many parts, and one is held out. "
        "0 divides once, by the held-out share.",
    )
    fold: int = Field(1, ge=1, le=20, title="Fold held out", description="Which of the folds judges this run.")

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if self.how in ("group", "time", "column") and not self.column:
            raise ValueError("Name the column to divide by.")
        if self.folds == 1 or (self.folds and self.how in ("time", "column")):
            raise ValueError("Folds need at least two, and a division at random, by class or by group.")
        if self.folds and self.fold > self.folds:
            raise ValueError(f"There are {self.folds} folds; hold out one of them.")
        return self

    @property
    def set_apart(self) -> str:
        """The column that groups, orders or parts the rows, not to be learnt from; empty where chance divides."""
        return self.column if self.how in ("group", "time", "column") else ""


class TrainSpec(Settings):
    """Everything that decides a training; the same spec on the same machine gives the same curve."""

    task: str
    data: str
    """Folder of a data set version; relative paths start at the folder of the spec's file."""
    roles: dict[str, list[str]]
    """Column names by role."""
    architecture: str
    settings: dict[str, JsonValue] = {}
    recipe: Recipe = Recipe()
    split: Split = Split()
    start_from: str = ""
    """Model folder of an earlier run of the same architecture, whose weights are gone on from; empty: fresh ones."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        try:
            task, architecture = TASKS[self.task], ARCHITECTURES[self.architecture]
        except TrainingError as error:
            raise ValueError(str(error)) from error
        if self.task not in architecture.tasks:
            raise ValueError(f"{architecture.title} cannot learn “{task.title}”. Choose another architecture.")
        self.network()
        if self.recipe.ensemble > 1 and not offers_ensemble(task, architecture):
            raise ValueError(f"“{task.title}” by {architecture.title} is learnt by one alone. Set the ensemble to 1.")
        for role in task.roles:
            columns = self.roles.get(role.key, [])
            if not columns:
                raise ValueError(f"No column is chosen for “{role.title}”. Choose one.")
            if len(columns) > 1 and not role.many:
                raise ValueError(f"“{role.title}” takes one column, not {len(columns)}.")
        return self

    def network(self) -> Architecture:
        """The architecture with this spec's settings."""
        return ARCHITECTURES[self.architecture].model_validate(self.settings)

    def kind(self) -> type[Task]:
        """The task's class."""
        return TASKS[self.task]

    def column(self, role: str) -> str:
        """The single column of a role."""
        return self.roles[role][0]


def heeded_fields(task: type[Task], architecture: type[Architecture]) -> set[str]:
    """The fields of the recipe that decide something when this architecture learns this task."""
    read = set(architecture.heeds or Recipe.model_fields) - (set(ABOUT_SOME) - set(task.heeds))
    return read if offers_ensemble(task, architecture) else read - {"ensemble", "bagging"}


def offers_ensemble(task: type[Task], architecture: type[Architecture]) -> bool:
    """Whether several of this kind can be trained to answer as one."""
    return bool(task.mean_of) and (not architecture.heeds or "ensemble" in architecture.heeds)


def read_spec(path: Path) -> TrainSpec:
    """Read `spec.json`; raises TrainingError that names the field and what is allowed."""
    try:
        spec = TrainSpec.model_validate_json(path.read_bytes())
    except FileNotFoundError as error:
        raise TrainingError(f"There is no file {path}.", "Check the path.", code="no_spec") from error
    except ValidationError as error:
        raise TrainingError(plain_words(error), "Correct it and start again.", code="bad_spec") from error
    return spec.model_copy(update={"data": str((path.parent / spec.data).resolve()), **_found_start(path, spec)})


def _found_start(path: Path, spec: TrainSpec) -> dict[str, str]:
    return {"start_from": str((path.parent / spec.start_from).resolve())} if spec.start_from else {}


def plain_words(error: ValidationError) -> str:
    """Say what is wrong with the first field that does not fit, in the field's own title."""
    first = error.errors()[0]
    where = " → ".join(str(part) for part in first["loc"])
    message = first["msg"].removeprefix("Value error, ")
    return f"{where}: {message}." if where else message
