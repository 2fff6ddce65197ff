from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.picture_size import fit_pictures
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("pixel-linear")
class PixelLinearSettings(Architecture):
    """Gives every pixel a weight for every class and adds them up; sees no shapes."""

    title = "Linear model on the pixels"
    order = 20
    tasks = ("image-classification",)
    good_for = "Seeing what the simplest model reaches; small pictures where everything is always in its place."
    paper = "D. R. Cox, “The regression analysis of binary sequences”, 1958, https://www.jstor.org/stable/2983890"
    simple = ("image_size",)

    image_size: int = Field(
        32, ge=0, le=512, title="Picture size", description="Pixels of the longer side; 0 keeps the pictures' own."
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 5, "balanced": 15, "thorough": 40}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows),
            batch_size=128,
            lr=1e-3,
            weight_decay=0.1,
            schedule="cosine",
            augment=False,
            evaluations=10,
        )
        return cls(), recipe

    def cost(self, shapes: Shapes) -> Cost:
        pixels = _pixels(fit_pictures(shapes, self.image_size))
        weights = pixels * shapes.outputs
        return Cost(weights + shapes.outputs, flops=2.0 * weights, activations=float(pixels))

    def build(self, shapes: Shapes) -> nn.Module:
        from torch import nn

        pixels = _pixels(fit_pictures(shapes, self.image_size))
        return nn.Sequential(nn.Flatten(), nn.Linear(pixels, shapes.outputs))


def _pixels(seen: Shapes) -> int:
    return seen.channels * seen.height * seen.width
