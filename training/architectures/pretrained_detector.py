from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.pretrained.packaged import Source, entry, measure, read_config
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn

USUAL_PATCH = 32
"""Pixels of a side that become one place, in networks that do not say it."""


@ARCHITECTURES.register("pretrained-detector")
class PretrainedDetectorSettings(Architecture):
    """Starts from a model that already finds things in pictures, such as YOLOS or DETR, and teaches it yours."""

    title = "Pretrained detector"
    order = 70
    tasks = ("object-detection",)
    good_for = "A hundred pictures with boxes are enough; needs a model folder or the network, and a GPU."
    paper = (
        "N. Carion et al., “End-to-end object detection with transformers”, 2020, https://arxiv.org/abs/2005.12872; "
        "Y. Fang et al., “You only look at one sequence”, 2021, https://arxiv.org/abs/2106.00666"
    )
    simple = ("source", "image_size")
    starts_from = ("detection",)

    source: Source = "hustvl/yolos-tiny"
    image_size: int = Field(
        512,
        ge=32,
        le=1344,
        multiple_of=32,
        title="Picture size",
        description="Pictures are stretched to a square of this side; small things need more.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 2, "balanced": 6, "thorough": 15}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows),
            batch_size=4,
            lr=5e-5,
            weight_decay=1e-4,
            schedule="cosine",
            warmup=0.1,
            clip_norm=0.1,
            evaluations={"quick": 2, "balanced": 4, "thorough": 8}[preset],
        )
        return cls(image_size={"quick": 320, "balanced": 512, "thorough": 800}[preset]), recipe

    def cost(self, shapes: Shapes) -> Cost:
        size, config = measure(self.source), read_config(self.source)
        if size is None:
            return Cost(0, 0.0)
        labels = config.get("id2label")
        old = len(labels) if isinstance(labels, dict) else 2
        width = entry(config, "d_model", "hidden_size")
        parameters = size.parameters + (width + 1) * (shapes.outputs - old)
        places = (self.image_size / (entry(config, "patch_size") or USUAL_PATCH)) ** 2
        return Cost(parameters, flops=2.0 * parameters * places, activations=12.0 * places * width)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.pretrained_detector import PretrainedDetector
        from training.pretrained.loading import resolve

        return PretrainedDetector(resolve(self.source), shapes.outputs)
