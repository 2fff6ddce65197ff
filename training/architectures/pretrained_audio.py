from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.sound_size import FRAMES_PER_SECOND, SECONDS, WAVE, fit_sounds
from training.pretrained.packaged import Source, entry, measure, read_config
from training.recipes import Preset, Recipe
from training.settings.presets import fine_tuning

if TYPE_CHECKING:
    from torch import nn

MOMENTS_PER_SECOND = 50
"""Of the Wav2Vec2 family: one for every 320 samples."""


@ARCHITECTURES.register("pretrained-audio")
class PretrainedAudioSettings(Architecture):
    """Starts from a model that has listened to thousands of hours, and teaches it your sounds or your words."""

    title = "Pretrained audio model"
    order = 70
    tasks = ("audio-classification", "speech-recognition")
    good_for = "Free speech, and few recordings of anything; needs a model folder or the network, and a GPU for long."
    paper = (
        "A. Baevski et al., “wav2vec 2.0: A framework for self-supervised learning of speech representations”, 2020, "
        "https://arxiv.org/abs/2006.11477"
    )
    simple = ("source", "trained")
    starts_from = ("audio",)
    bands: ClassVar[int] = WAVE

    source: Source = "facebook/wav2vec2-base"
    trained: Literal["all", "head"] = Field(
        "all", title="What is trained", description="All of the model, or only a new output layer, which is quickest."
    )
    dropout: float = Field(
        0.1, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off before the output layer."
    )
    seconds: float = SECONDS

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        recipe = fine_tuning(preset, facts.rows, batch_size=8, schedule="linear")
        return cls(trained="head" if preset == "quick" else "all"), recipe

    def cost(self, shapes: Shapes) -> Cost:
        size, config = measure(self.source), read_config(self.source)
        if size is None:
            return Cost(0, 0.0)
        heard = fit_sounds(shapes, bands=self.bands, seconds=self.seconds)
        moments = heard.width * MOMENTS_PER_SECOND / FRAMES_PER_SECOND
        width, layers = entry(config, "hidden_size"), entry(config, "num_hidden_layers")
        parameters = size.parameters + (width + 1) * shapes.outputs
        return Cost(
            parameters,
            flops=4.0 * moments * parameters,  # the convolutions look at every sample and cost as much again
            activations=moments * layers * 16.0 * width,
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.pretrained_audio import PretrainedAudio
        from training.pretrained.loading import resolve

        return PretrainedAudio(
            resolve(self.source),
            shapes.outputs,
            trained=self.trained,
            dropout=self.dropout,
            per_moment=shapes.per_token,
        )
