"""What can be learnt: one file per task with its column roles, measures and kind of try-out."""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from training.registry import Registry

ColumnType: TypeAlias = Literal[
    "number", "boolean", "category", "text", "date", "image", "audio", "conversation", "spans", "answers", "boxes"
]
TryOut: TypeAlias = Literal["form", "text", "image", "audio", "question", "translation", "words", "chat"]
MeanOf: TypeAlias = Literal["", "classes", "labels", "values"]
"""How several networks answer as one: by the mean probability of classes, of labels that can hold together, or of
values; empty where their answers have no mean."""


@dataclass(frozen=True)
class Role:
    """What a column is for: `target` is what the model should predict."""

    key: str
    title: str
    types: tuple[ColumnType, ...]
    many: bool = False
    """Whether several columns can have it."""


@dataclass(frozen=True)
class Metric:
    """A measure of quality, in the field's word and in plain words."""

    key: str
    title: str
    about: str
    higher_is_better: bool = True
    percent: bool = False
    """Whether it is a share that people read as a percentage."""
    unit: str = ""


class Task:
    """What a model learns. Subclasses register themselves; the docstring is the explanation on the page."""

    key: ClassVar[str]
    title: ClassVar[str]
    order: ClassVar[int] = 100
    roles: ClassVar[tuple[Role, ...]]
    metrics: ClassVar[tuple[Metric, ...]]
    """The first is the headline."""
    tryout: ClassVar[TryOut]
    recommended: ClassVar[str]
    """The architecture that *Simple* proposes."""
    recommended_many: ClassVar[str] = ""
    """The one it proposes where there are many examples to learn from."""
    recommended_thorough: ClassVar[str] = ""
    """The one it proposes where there are many and time allows."""
    recommended_mixed: ClassVar[str] = ""
    """The one it proposes where some of the columns to learn from are texts, pictures or sounds."""
    recommended_chat: ClassVar[str] = ""
    """The one it proposes for conversations, which are too few for a language to be learnt from."""
    heeds: ClassVar[tuple[str, ...]] = ()
    """Which of the recipe's fields it reads that are about some kinds of data or answers only (recipes.ABOUT_SOME)."""
    mean_of: ClassVar[MeanOf] = ""
    """What an ensemble takes the mean of; empty where the task is learnt by one network only."""
    grouped_by: ClassVar[str] = ""
    """The role whose equal values stay on one side of the split, because what is said of one gives the others away."""

    @classmethod
    def role(cls, key: str) -> Role:
        """The role of that key."""
        return next(role for role in cls.roles if role.key == key)

    @classmethod
    def headline(cls) -> Metric:
        """The measure that a result is first judged by."""
        return cls.metrics[0]

    @classmethod
    def metric(cls, key: str) -> Metric | None:
        """The measure of that key, if this task has it."""
        return next((metric for metric in cls.metrics if metric.key == key), None)


TASKS: Registry[type[Task]] = Registry("task", __name__)
