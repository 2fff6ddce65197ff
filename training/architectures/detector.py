from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn

STRIDE = 8
"""Pixels between two places where the network looks for a thing."""


@ARCHITECTURES.register("detector")
class DetectorSettings(Architecture):
    """Looks at every place of the picture at once and says what is there and how far its box reaches."""

    title = "One-stage detector"
    order = 40
    tasks = ("object-detection",)
    good_for = "Finding things from scratch; some hundred pictures with boxes are a beginning, thousands are better."
    paper = (
        "Z. Tian et al., “FCOS: Fully convolutional one-stage object detection”, 2019, https://arxiv.org/abs/1904.01355"
    )
    simple = ("width", "image_size")

    width: int = Field(
        32, ge=8, le=256, title="Width", description="Filters in the first stage; later ones have up to 4 times."
    )
    image_size: int = Field(
        128,
        ge=64,
        le=640,
        multiple_of=32,
        title="Picture size",
        description="Pictures are stretched to a square of this side; small things need more.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 6, "balanced": 20, "thorough": 40}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows),
            batch_size=min(32, max(8, facts.rows // 20)),
            optimizer="muon",
            lr=0.05,
            side_lr=4e-3,
            momentum=0.9,
            schedule="linear",
            warmup=0.05,
            evaluations=10,
        )
        return cls(image_size=192 if preset == "thorough" else 128), recipe

    def cost(self, shapes: Shapes) -> Cost:
        width, cells = self.width, (self.image_size // STRIDE) ** 2
        stem = 2 * min(16 * shapes.channels, 24)
        entries = (9 * stem * width, 18 * width**2, 72 * width**2)
        seconds = (9 * width**2, 36 * width**2, 144 * width**2)
        sides = (2 * width**2, 4 * width**2, 8 * width**2)
        joined, head = 36 * width**2, 2 * width * (shapes.outputs + 4)
        offsets = stem + 2 * 7 * width + 3 * 2 * width + 2 * width + shapes.outputs + 4
        multiplications = 4.0 * 16 * shapes.channels * stem + joined + head
        for level in range(3):
            multiplications += (4 * entries[level] + seconds[level] + sides[level]) / 4**level
        return Cost(
            sum(entries) + sum(seconds) + sum(sides) + joined + head + offsets,
            flops=2.0 * cells * multiplications,
            activations=float(cells * (8 * stem + 30 * width)),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.detector import Detector

        return Detector(channels=shapes.channels, classes=shapes.outputs, width=self.width, stride=STRIDE)
