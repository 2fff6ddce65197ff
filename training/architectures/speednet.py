from __future__ import annotations

import math
from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.picture_size import IMAGE_SIZE, LARGEST, SMALL_SIDE, fit_pictures
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn

LAST_MAP = 4.5
"""Side of the last map at most: as many stages halve the side as it takes, but at least two."""
MOST_DIRECTIONS = 24
"""Principal directions of patches that the first layer keeps at most."""


@ARCHITECTURES.register("speednet")
class SpeedNetSettings(Architecture):
    """Few layers that begin well: the first is computed from your pictures, the others begin by passing them on."""

    title = "Speed net"
    order = 40
    tasks = ("image-classification",)
    good_for = "Photographs and anything else the plain CNN finds hard; the most accurate for the time it takes."
    paper = "K. Jordan, “94% on CIFAR-10 in 3.29 seconds on a single GPU”, 2024, https://arxiv.org/abs/2404.00498"
    simple = ("width",)

    width: int = Field(
        24, ge=8, le=512, title="Width", description="Filters in the first stage; the second has 3, the third 6 times."
    )
    depth: int = Field(2, ge=1, le=6, title="Layers per stage", description="Layers in each of the stages.")
    small_first: float = Field(
        0.7,
        ge=0,
        le=0.95,
        title="Small pictures first",
        description="Share of the training that sees pictures at 0.7 of their side, which takes half the time; "
        "the curve of held-out data jumps when they become whole.",
    )
    image_size: int = IMAGE_SIZE

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 8, "balanced": 24, "thorough": 40}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows),
            batch_size=min(250, max(50, facts.rows // 20)),
            optimizer="muon",
            lr=0.2,
            side_lr=0.015,
            momentum=0.6,
            schedule="linear",
            label_smoothing=0.2,
            evaluations=10,
        )
        if preset != "thorough":
            return cls(width=16 if preset == "quick" else 24), recipe
        large = max(facts.shapes.height, facts.shapes.width) > LARGEST
        return cls(width=32, image_size=2 * LARGEST if large else 0), recipe

    def stages(self, shapes: Shapes) -> list[tuple[int, bool]]:
        """Width of each stage and whether it halves the side; pictures of 32 pixels have three, larger ones more."""
        height, width = _first_map(fit_pictures(shapes, self.image_size))
        halvings = max(2, math.ceil(math.log2(max(height, width) / LAST_MAP)))
        wide = [(3 * self.width, True), (6 * self.width, True)]
        return [(self.width, False), *wide] if halvings == 2 else [(self.width, True)] * (halvings - 2) + wide

    def cost(self, shapes: Shapes) -> Cost:
        seen = fit_pictures(shapes, self.image_size)
        height, width = _first_map(seen)
        before = _stem(seen)
        parameters, multiplications = before, before * seen.channels * _kernel(seen) ** 2 * height * width
        numbers = 2 * before * height * width
        for after, halve in self.stages(shapes):
            entry, layer, more = 9 * before * after, 9 * after * after, self.depth - 1
            parameters += entry + after + more * (layer + after)
            multiplications += entry * height * width
            numbers += after * height * width
            if halve:
                height, width = max(1, height // 2), max(1, width // 2)
            multiplications += more * layer * height * width
            numbers += (2 + 3 * more) * after * height * width
            before = after
        head = before * seen.outputs
        saved = 1 - self.small_first * (1 - SMALL_SIDE**2)  # of the whole training, on average
        return Cost(parameters + head, flops=2.0 * (multiplications * saved + head), activations=float(numbers))

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.speednet import SpeedNet

        seen = fit_pictures(shapes, self.image_size)
        return SpeedNet(
            seen,
            stem=_stem(seen),
            kernel=_kernel(seen),
            stride=_stride(seen),
            stages=self.stages(shapes),
            depth=self.depth,
        )


def _stride(seen: Shapes) -> int:
    """Step of the first layer: pictures of 32, 64 and 128 pixels all come to maps of about 32."""
    longer = max(seen.height, seen.width)
    return 1 if longer <= 48 else 2 if longer <= 96 else 4


def _kernel(seen: Shapes) -> int:
    return 2 if _stride(seen) == 1 else 4


def _first_map(seen: Shapes) -> tuple[int, int]:
    """Height and width behind the first layer."""
    kernel, stride = _kernel(seen), _stride(seen)
    return (seen.height - kernel) // stride + 1, (seen.width - kernel) // stride + 1


def _stem(seen: Shapes) -> int:
    """Filters of the first layer: every direction that a patch has, up to a limit, with both signs."""
    return 2 * min(seen.channels * _kernel(seen) ** 2, MOST_DIRECTIONS)
