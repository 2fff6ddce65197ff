from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.picture_size import IMAGE_SIZE, fit_pictures
from training.recipes import Preset, Recipe
from training.settings.heads import heads_share_width
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("vit")
class ViTSettings(Architecture):
    """Cuts the picture into patches and lets every patch look at every other one."""

    title = "Vision Transformer"
    order = 60
    tasks = ("image-classification",)
    good_for = "Very many pictures, or learning how Transformers see; from few pictures the speed net learns more."
    paper = (
        "A. Dosovitskiy et al., “An image is worth 16x16 words”, 2021, https://arxiv.org/abs/2010.11929; L. Beyer et "
        "al., “Better plain ViT baselines for ImageNet-1k”, 2022, https://arxiv.org/abs/2205.01580"
    )
    simple = ("width", "layers")

    width: int = Field(128, ge=16, le=2048, multiple_of=4, title="Width", description="Numbers that describe a patch.")
    layers: int = Field(4, ge=1, le=24, title="Layers", description="How often the patches look at each other.")
    heads: int = Field(4, ge=1, le=32, title="Heads", description="Ways of looking at a time; must divide the width.")
    patches: int = Field(
        8, ge=2, le=32, title="Patches per side", description="The longer side of the picture is cut into so many."
    )
    image_size: int = IMAGE_SIZE

    _heads_fit = model_validator(mode="after")(heads_share_width)

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 10, "balanced": 30, "thorough": 100}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows),
            batch_size=min(128, max(32, facts.rows // 20)),
            lr=1e-3,
            weight_decay=0.05,
            schedule="cosine",
            warmup=0.1,
            clip_norm=1.0,
            label_smoothing=0.1,
            evaluations=10,
        )
        return cls(width=192, layers=6) if preset == "thorough" else cls(), recipe

    def cost(self, shapes: Shapes) -> Cost:
        seen, side = fit_pictures(shapes, self.image_size), self.patch(shapes)
        tokens = -(-seen.height // side) * -(-seen.width // side)
        width = self.width
        first = seen.channels * side**2 * width
        layer = 4 * width * width + 4 * width * width  # attention, and two layers twice as wide
        small = 4 * width + 3 * width + 4 * width  # biases and norms
        head = width * seen.outputs + seen.outputs
        return Cost(
            first + width + self.layers * (layer + small) + 2 * width + head,
            flops=2.0 * (tokens * (first + self.layers * (layer + 2 * tokens * width)) + head),
            activations=float(tokens * self.layers * (14 * width + 2 * self.heads * tokens)),
        )

    def patch(self, shapes: Shapes) -> int:
        """Pixels of a patch's side."""
        seen = fit_pictures(shapes, self.image_size)
        return max(1, max(seen.height, seen.width) // self.patches)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.vit import ViT

        return ViT(
            fit_pictures(shapes, self.image_size),
            patch=self.patch(shapes),
            width=self.width,
            layers=self.layers,
            heads=self.heads,
        )
