"""What can be trained: one settings class each, which is its registration, form, API schema and docs row."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Generator
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, TypeAlias

from training.pretrained.packaged import Kind
from training.recipes import Preset, Recipe, Settings
from training.registry import Registry

if TYPE_CHECKING:
    from torch import nn

    from training.objectives import Objective

Round: TypeAlias = dict[str, float]
"""Points of curves that one round adds: `train/loss`, and `val/loss` where there is one."""
Rounds: TypeAlias = Generator[Round, None, None]


@dataclass(frozen=True)
class Shapes:
    """What goes into a network and what comes out; 0 or empty where it does not apply."""

    outputs: int
    """Classes, or 1 for a number, or the vocabulary's size for language modelling."""
    numbers: int = 0
    """Numbers of a row of a table."""
    scaled: int = 0
    """Those that a network reads of the same row, scaled and with gaps marked, where `numbers` are left plain."""
    categories: tuple[int, ...] = ()
    """Distinct values per categorical column, the unknown one included."""
    vocabulary: int = 0
    length: int = 0
    """Tokens that are read at a time."""
    padding_id: int = 0
    per_token: bool = False
    """Whether every token gets an answer, not the text as a whole."""
    channels: int = 0
    height: int = 0
    width: int = 0
    texts: int = 0
    """Columns of texts in a table, all of one vocabulary."""
    pictures: int = 0
    """Columns of pictures in a table, all of one size."""
    sounds: int = 0
    """Columns of sounds in a table, all of one length."""
    frames: int = 0
    """Frames of 10 ms that such sounds are heard for."""


@dataclass(frozen=True)
class Facts:
    """What is known of the data before it is read: enough to choose settings and to estimate time and memory."""

    rows: int
    """Examples to train on."""
    shapes: Shapes
    characters: float = 0.0
    """Mean length of a text in characters; the total for language modelling."""
    conversations: bool = False
    """Whether every row is learnt as one, where language modelling else cuts running text into windows."""


@dataclass(frozen=True)
class Cost:
    """What one forward pass costs."""

    parameters: int
    flops: float
    """Floating-point operations per example (per token for language modelling)."""
    activations: float = 0.0
    """Numbers kept per example (per token for language modelling) for the backward pass."""
    frozen: int = 0
    """Of the parameters, those of a pretrained network that stay as they are."""
    frozen_bytes: float = 0.0
    """Memory that those take."""


class Architecture(Settings):
    """A kind of network with its settings. Subclasses register themselves and say in their docstring what they do."""

    key: ClassVar[str]
    title: ClassVar[str]
    tasks: ClassVar[tuple[str, ...]]
    order: ClassVar[int] = 100
    """Where it stands among the cards, simplest first."""
    good_for: ClassVar[str] = ""
    """One plain sentence: when to choose it."""
    paper: ClassVar[str] = ""
    """Where the method was published: authors, title, year, address."""
    simple: ClassVar[tuple[str, ...]] = ()
    """At most two settings that *Simple* shows."""
    starts_from: ClassVar[tuple[Kind, ...]] = ()
    """Kinds of pretrained models that its setting `source` may name; empty where it starts from nothing."""
    heeds: ClassVar[tuple[str, ...]] = ()
    """The recipe's fields that matter, where the gradient loop is not used; empty means all."""

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        """Choose settings and recipe for this data; `balanced` is what most people should take."""
        epochs = {"quick": 4.0, "balanced": 12.0, "thorough": 40.0}[preset]
        return cls(), Recipe(epochs=epochs)

    @abstractmethod
    def cost(self, shapes: Shapes) -> Cost:
        """Estimate a forward pass without building the network (the website has no torch)."""

    @abstractmethod
    def build(self, shapes: Shapes) -> nn.Module:
        """Make the network with fresh weights, from torch's global random state."""

    def fit(self, model: nn.Module, objective: Objective, recipe: Recipe) -> Rounds | None:
        """Find the answer without gradient steps, yielding after each round; None leaves it to the gradient loop.

        `recipe.epochs` says how many rounds at most. The same seed takes the same rounds: after a pause they are all
        taken again, and only those that are new are told.
        """
        return None


ARCHITECTURES: Registry[type[Architecture]] = Registry("architecture", __name__)


def architectures_for(task: str) -> list[type[Architecture]]:
    """All architectures that can learn the task, simplest first."""
    return [architecture for architecture in ARCHITECTURES.values() if task in architecture.tasks]
