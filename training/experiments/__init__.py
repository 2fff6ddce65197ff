"""Starter experiments: one click each, with the result to expect and the mathematics beside the curve."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from pydantic import JsonValue

from training.recipes import Preset
from training.registry import Registry


@dataclass(frozen=True)
class Formula:
    """A line of mathematics in LaTeX, with the sentence that says what it means."""

    latex: str
    about: str


@dataclass(frozen=True)
class Expected:
    """Between which values a measure of the report ends."""

    metric: str
    low: float
    high: float

    def holds(self, value: float) -> bool:
        """Whether a result is what was promised."""
        return self.low <= value <= self.high


class Experiment:
    """A training to learn from. Subclasses register themselves; the docstring says what it shows."""

    key: ClassVar[str]
    title: ClassVar[str]
    order: ClassVar[int] = 100
    data: ClassVar[str]
    """Key of the starter data set."""
    task: ClassVar[str]
    architecture: ClassVar[str]
    roles: ClassVar[Mapping[str, list[str]]] = {}
    """Columns by role; what is left out is proposed."""
    preset: ClassVar[Preset] = "quick"
    settings: ClassVar[Mapping[str, JsonValue]] = {}
    recipe: ClassVar[Mapping[str, JsonValue]] = {}
    plane: ClassVar[bool] = False
    """Whether it learns two classes from two columns, so that one can watch it divide the plane."""
    takes: ClassVar[str]
    """How long, in words."""
    result: ClassVar[str]
    """What to expect, in a sentence."""
    expected: ClassVar[Expected]
    loss: ClassVar[Formula]
    step: ClassVar[Formula]
    """What the optimiser does."""

    @classmethod
    def about(cls) -> str:
        """What it shows, from the docstring."""
        return inspect.cleandoc(cls.__doc__ or "")


EXPERIMENTS: Registry[type[Experiment]] = Registry("experiment", __name__)
