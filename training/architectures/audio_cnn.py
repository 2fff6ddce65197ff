from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.sound_size import BANDS, SECONDS, fit_sounds, recipe_for_sounds
from training.recipes import Preset, Recipe

if TYPE_CHECKING:
    from torch import nn

STAGES = 4
"""Each halves time and pitch."""


@ARCHITECTURES.register("audio-cnn")
class AudioCNNSettings(Architecture):
    """Looks at a picture of the sound, pitch over time, with small filters that find the shapes sounds make."""

    title = "CNN on the spectrogram"
    order = 30
    tasks = ("audio-classification",)
    good_for = "Words, calls, noises: whatever is told apart by how it sounds, wherever in the recording it is."
    paper = (
        "T. Sainath and C. Parada, “Convolutional neural networks for small-footprint keyword spotting”, 2015, "
        "https://doi.org/10.21437/Interspeech.2015-352"
    )
    simple = ("filters",)

    filters: int = Field(
        16, ge=4, le=256, title="Filters", description="Patterns in the first layer; each later layer has more."
    )
    dropout: float = Field(
        0.2, ge=0, le=0.9, title="Dropout", description="Share of what was found that is hidden while learning."
    )
    bands: int = BANDS
    seconds: float = SECONDS

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 4, "balanced": 7, "thorough": 20}[preset]
        recipe = recipe_for_sounds(facts.rows, passes=passes, lr=3e-3)
        return cls(filters={"quick": 12, "balanced": 16, "thorough": 32}[preset]), recipe

    def widths(self) -> list[int]:
        """Filters of each stage."""
        return [self.filters * factor for factor in (1, 2, 3, 4)]

    def cost(self, shapes: Shapes) -> Cost:
        heard = fit_sounds(shapes, bands=self.bands, seconds=self.seconds)
        height, width, before = heard.height, heard.width, 1
        parameters, multiplications, numbers = 0, 0.0, 0.0
        for after in self.widths():
            parameters += 9 * before * after + 2 * after
            multiplications += 9 * before * after * height * width
            numbers += 3 * after * height * width
            height, width, before = height // 2, width // 2, after
        head = 2 * before * heard.outputs + heard.outputs
        return Cost(parameters + head, flops=2.0 * (multiplications + head), activations=numbers)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.audio_cnn import AudioCNN

        return AudioCNN(widths=self.widths(), outputs=shapes.outputs, dropout=self.dropout)
