from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.picture_size import IMAGE_SIZE, LARGEST, fit_pictures
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn

STAGES = 3


@ARCHITECTURES.register("resnet")
class ResNetSettings(Architecture):
    """Blocks of filters with a short cut around each, so that many of them can stand on top of each other."""

    title = "Small ResNet"
    order = 50
    tasks = ("image-classification",)
    good_for = "The network that most comparisons name; give it more time than the speed net."
    paper = "K. He et al., “Deep residual learning for image recognition”, 2015, https://arxiv.org/abs/1512.03385"
    simple = ("width", "blocks")

    width: int = Field(
        16, ge=4, le=256, title="Width", description="Filters in the first stage; each later stage has twice as many."
    )
    blocks: int = Field(
        1,
        ge=1,
        le=18,
        title="Blocks per stage",
        description="Pairs of layers with a short cut in each stage.",
    )
    image_size: int = IMAGE_SIZE

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 6, "balanced": 20, "thorough": 60}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows),
            batch_size=min(128, max(32, facts.rows // 20)),
            optimizer="sgd",
            lr=0.1,
            momentum=0.9,
            nesterov=True,
            weight_decay=5e-4,
            schedule="cosine",
            warmup=0.1,
            evaluations=10,
        )
        if preset != "thorough":
            return cls(), recipe
        large = max(facts.shapes.height, facts.shapes.width) > LARGEST
        return cls(blocks=3, image_size=2 * LARGEST if large else 0), recipe

    def cost(self, shapes: Shapes) -> Cost:
        seen = fit_pictures(shapes, self.image_size)
        stride, kernel = _stem(seen)
        height, width = -(-seen.height // stride), -(-seen.width // stride)
        first = kernel**2 * seen.channels * self.width
        parameters, multiplications = first + 2 * self.width, first * height * width
        numbers, before = 2 * self.width * height * width, self.width
        for stage in range(STAGES):
            after = self.width * 2**stage
            if stage:
                height, width = -(-height // 2), -(-width // 2)
            for block in range(self.blocks):
                inputs = before if block == 0 else after
                short = inputs * after + 2 * after if inputs != after else 0
                weights = 9 * after * (inputs + after)
                parameters += weights + 4 * after + short
                multiplications += (weights + inputs * after * bool(short)) * height * width
                numbers += 6 * after * height * width
            before = after
        head = before * seen.outputs
        return Cost(parameters + head + seen.outputs, flops=2.0 * (multiplications + head), activations=float(numbers))

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.resnet import ResNet

        seen = fit_pictures(shapes, self.image_size)
        stride, kernel = _stem(seen)
        widths = [self.width * 2**stage for stage in range(STAGES)]
        return ResNet(seen, widths=widths, blocks=self.blocks, kernel=kernel, stride=stride)


def _stem(seen: Shapes) -> tuple[int, int]:
    """Step and side of the first filters: pictures of up to 48 pixels keep their size, larger ones are brought near."""
    longer = max(seen.height, seen.width)
    stride = 1 if longer <= 48 else 2 if longer <= 96 else 4
    return stride, 2 * stride + 1
