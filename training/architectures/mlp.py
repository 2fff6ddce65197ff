from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.presets import MANY_ROWS
from training.settings.tables import MadeColumns

if TYPE_CHECKING:
    from torch import nn


NumberWidth: TypeAlias = Annotated[
    int,
    Field(
        ge=0,
        le=64,
        title="Embedding of numbers",
        description="Numbers that stand for one, by learnt waves, for fine structure such as places on a map; 0 reads "
        "it plainly.",
    ),
]

LENGTHS: dict[Preset, float] = {"quick": 0.3, "balanced": 1.0, "thorough": 3.0}


@ARCHITECTURES.register("mlp")
class MLPSettings(Architecture):
    """Layers of simple units, each looking at all units before it: finds rules that combine several columns."""

    title = "Multilayer perceptron"
    order = 20
    tasks = ("tabular-classification", "tabular-regression")
    good_for = "Most tables with a few hundred rows or more, when columns act together."
    paper = (
        "D. Holzmüller et al., “Better by default: strong pre-tuned MLPs on tabular data”, 2024, "
        "https://arxiv.org/abs/2407.04491"
    )
    simple = ("hidden_sizes",)

    hidden_sizes: str = Field(
        "128-128",
        pattern=r"^\d{1,4}(-\d{1,4}){0,19}$",
        title="Hidden layers",
        description="Units per layer, from first to last: 3 is one small layer, 128-128 two wide ones.",
    )
    activation: Literal["relu", "sigmoid", "tanh", "gelu", "silu", "parametric"] = Field(
        "relu", title="Activation", description="The bend after each layer; without it layers would add up to one."
    )
    dropout: float = Field(
        0.1, ge=0, le=0.9, title="Dropout", description="Share of units switched off at random while learning."
    )
    batch_norm: bool = Field(
        False, title="Batch normalisation", description="Keeps the numbers between layers in a steady range."
    )
    layer_norm: bool = Field(
        False,
        title="Layer normalisation",
        description="The same for each example by itself, whatever else is in its batch.",
    )
    number_width: NumberWidth = 0
    pieces: int = Field(
        0,
        ge=0,
        le=256,
        title="Pieces per number",
        description="With an embedding: reads numbers by so many pieces, cut where the answer changes, instead of by "
        "waves; better where single values matter.",
    )
    made: MadeColumns = False
    members: int = Field(
        1,
        ge=1,
        le=64,
        title="Members",
        description="Networks that share their layers and answer together: steadier and better, and as much slower.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        if facts.rows >= MANY_ROWS:
            return cls._for_many_rows(preset, task)
        several_classes = facts.shapes.outputs > 2
        settings = cls(
            hidden_sizes="256-256" if several_classes else "64-64",
            dropout=0.3 if several_classes else 0.2,
            activation="silu",
        )
        recipe = Recipe(
            epochs=(80 if several_classes else 60) * LENGTHS[preset],
            batch_size=64 if facts.rows >= 1_000 else 32,
            lr=6e-3 if several_classes else 3e-3,
            weight_decay=0.1 if several_classes else 0.02,
            label_smoothing=0.1 if several_classes else 0.0,
            schedule="cosine",
            warmup=0.05,
        )
        return settings, recipe

    @classmethod
    def _for_many_rows(cls, preset: Preset, task: str) -> tuple[Architecture, Recipe]:
        regression = task == "tabular-regression"
        lengths = {"quick": (12, 2), "balanced": (16, 8), "thorough": (30, 8)} if regression else {
            "quick": (8, 1), "balanced": (14, 2), "thorough": (20, 4)
        }  # fmt: skip
        epochs, members = lengths[preset]
        settings = cls(
            hidden_sizes="128-128",
            dropout=0.05,
            number_width=16,
            pieces=0 if regression else 48,
            made=regression,
            activation="silu",
            members=members,
        )
        recipe = Recipe(epochs=epochs, batch_size=256, lr=6e-3, weight_decay=0.02, schedule="cosine", warmup=0.05)
        return settings, recipe

    @property
    def sizes(self) -> list[int]:
        """Units per hidden layer."""
        return [max(1, int(size)) for size in self.hidden_sizes.split("-")]

    def cost(self, shapes: Shapes) -> Cost:
        widths = [input_width(shapes, self.number_width), *self.sizes, shapes.outputs * self.members]
        weights = sum((before + 1) * after for before, after in pairwise(widths))
        embedding = (self.pieces + 2) * self.number_width if self.pieces else 16 + 34 * self.number_width
        waves = shapes.numbers * embedding if self.number_width else 0
        norms = 2 * sum(self.sizes) * (self.batch_norm + self.layer_norm)
        slopes = sum(self.sizes) if self.activation == "parametric" else 0
        embeddings = sum(16 * size for size in shapes.categories if size > 32)
        scales = self.members * widths[0] if self.members > 1 else 0
        return Cost(
            weights + waves + norms + slopes + embeddings + scales,
            flops=2.0 * (self.members * weights + waves),
            activations=float(self.members * sum(widths) * 3),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.mlp import MLP

        return MLP(
            shapes,
            hidden=self.sizes,
            activation=self.activation,
            dropout=self.dropout,
            batch_norm=self.batch_norm,
            layer_norm=self.layer_norm,
            number_width=self.number_width,
            pieces=self.pieces,
            members=self.members,
        )


def input_width(shapes: Shapes, number_width: int = 0) -> int:
    """Numbers that enter the first layer: one-hot up to 32 values, embeddings of 16 above."""
    return shapes.numbers * (number_width or 1) + sum(16 if size > 32 else size for size in shapes.categories)
