from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.picture_size import IMAGE_SIZE, fit_pictures
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn

LARGEST_MAP = 8
"""Side of the map that the dense layer reads at most; larger ones are averaged down."""


@ARCHITECTURES.register("cnn")
class CNNSettings(Architecture):
    """Slides small filters over the picture: the first find edges, the next find what edges make up."""

    title = "Plain CNN"
    order = 30
    tasks = ("image-classification",)
    good_for = "Learning how picture recognition works, and simple pictures such as digits or symbols."
    paper = (
        "Y. LeCun et al., “Gradient-based learning applied to document recognition”, 1998, "
        "https://doi.org/10.1109/5.726791"
    )
    simple = ("filters", "dropout")

    filters: int = Field(
        32, ge=1, le=512, title="Filters", description="Patterns in the first layer; the second has twice as many."
    )
    hidden: int = Field(
        128, ge=1, le=4096, title="Dense units", description="Units that combine what the filters found."
    )
    dropout: float = Field(
        0.5, ge=0, le=0.9, title="Dropout", description="Share of dense units switched off at random while learning."
    )
    image_size: int = IMAGE_SIZE

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 8, "balanced": 20, "thorough": 60}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows),
            batch_size=64,
            optimizer="adam",
            lr=1e-3,
            schedule="cosine",
            evaluations=10,
        )
        return cls(), recipe

    def cost(self, shapes: Shapes) -> Cost:
        seen = fit_pictures(shapes, self.image_size)
        area = seen.height * seen.width
        dense_inputs = 2 * self.filters * min(seen.height // 4, LARGEST_MAP) * min(seen.width // 4, LARGEST_MAP)
        first, second = 9 * seen.channels * self.filters, 9 * self.filters * 2 * self.filters
        dense = dense_inputs * self.hidden + self.hidden * seen.outputs
        biases = 3 * self.filters + self.hidden + seen.outputs
        return Cost(
            parameters=first + second + dense + biases,
            flops=2.0 * (first * area + second * area / 4 + dense),
            activations=area * (seen.channels + 2.25 * self.filters + self.filters) + dense_inputs,
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.cnn import CNN

        return CNN(
            fit_pictures(shapes, self.image_size),
            filters=self.filters,
            hidden=self.hidden,
            dropout=self.dropout,
            largest_map=LARGEST_MAP,
        )
