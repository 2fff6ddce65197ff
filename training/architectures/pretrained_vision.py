from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.pretrained.packaged import Source, measure, read_config
from training.recipes import Preset, Recipe
from training.settings.presets import fine_tuning

if TYPE_CHECKING:
    from torch import nn

USUAL_SIDE = 224
MULTIPLICATIONS_PER_WEIGHT = 160
"""Of a convolutional network at the usual side, as in ResNet-50."""


@ARCHITECTURES.register("pretrained-vision")
class PretrainedVisionSettings(Architecture):
    """Starts from a model that has already learnt to see, and teaches it your categories."""

    title = "Pretrained vision model"
    order = 70
    tasks = ("image-classification",)
    good_for = "Few pictures of everyday things; needs a model folder or the network, and time without a GPU."
    paper = "J. Yosinski et al., “How transferable are features in deep neural networks?”, 2014, https://arxiv.org/abs/1411.1792"
    simple = ("source", "trained")
    starts_from = ("vision",)

    source: Source = "microsoft/resnet-18"
    trained: Literal["all", "head"] = Field(
        "all", title="What is trained", description="All of the model, or only a new output layer, which is quickest."
    )
    image_size: int = Field(
        USUAL_SIDE,
        ge=16,
        le=512,
        title="Picture size",
        description="Pixels of the longer side the network sees; most models learnt with 224.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        recipe = fine_tuning(preset, facts.rows, batch_size=16, schedule="cosine")
        return cls(trained="head" if preset == "quick" else "all"), recipe

    def cost(self, shapes: Shapes) -> Cost:
        size, config = measure(self.source), read_config(self.source)
        if size is None:
            return Cost(0, 0.0)
        sizes = config.get("hidden_sizes")
        width = sizes[-1] if isinstance(sizes, list) else config.get("hidden_size")
        labels = config.get("id2label")
        old = len(labels) if isinstance(labels, dict) else 2
        features = width + 1 if isinstance(width, int) else 0
        parameters = size.parameters + features * (shapes.outputs - old)
        patch = config.get("patch_size")
        seen = (self.image_size / patch) ** 2 if isinstance(patch, int) else self._uses_of_a_weight()
        return Cost(parameters, flops=2.0 * parameters * seen, activations=12.0 * seen * features)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.pretrained_vision import PretrainedVision
        from training.pretrained.loading import resolve

        return PretrainedVision(resolve(self.source), shapes.outputs, trained=self.trained)

    def _uses_of_a_weight(self) -> float:
        return MULTIPLICATIONS_PER_WEIGHT * (self.image_size / USUAL_SIDE) ** 2
