from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.sound_size import BANDS, SECONDS, fit_sounds, recipe_for_sounds
from training.recipes import Preset, Recipe

if TYPE_CHECKING:
    from torch import nn

STRIDE = 3
"""Frames that are read at a time."""


@ARCHITECTURES.register("audio-gru")
class AudioGRUSettings(Architecture):
    """Listens from start to end and from end to start, and remembers what it heard on the way."""

    title = "GRU on the spectrogram"
    order = 40
    tasks = ("audio-classification",)
    good_for = "Sounds where the order matters: words, melodies, sequences of noises."
    paper = (
        "K. Cho et al., “Learning phrase representations using RNN encoder–decoder”, 2014, "
        "https://arxiv.org/abs/1406.1078"
    )
    simple = ("hidden_size",)

    hidden_size: int = Field(
        96, ge=8, le=2048, title="Memory size", description="Numbers it can remember at a time, in each direction."
    )
    layers: int = Field(1, ge=1, le=6, title="Layers", description="Memories on top of each other.")
    dropout: float = Field(
        0.2, ge=0, le=0.9, title="Dropout", description="Share of what was heard that is hidden while learning."
    )
    bands: int = BANDS
    seconds: float = SECONDS

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 8, "balanced": 16, "thorough": 40}[preset]
        recipe = recipe_for_sounds(facts.rows, passes=passes, lr=4e-3, clip_norm=1.0)
        return cls(layers=2 if preset == "thorough" else 1), recipe

    def cost(self, shapes: Shapes) -> Cost:
        heard = fit_sounds(shapes, bands=self.bands, seconds=self.seconds)
        hidden, steps = self.hidden_size, heard.width // STRIDE
        inputs = [STRIDE * heard.height] + [2 * hidden] * (self.layers - 1)
        weights = sum(2 * 3 * hidden * (size + hidden) for size in inputs)
        attention, head = 2 * hidden, 2 * hidden * heard.outputs + heard.outputs
        return Cost(
            weights + 12 * hidden * self.layers + attention + head,
            flops=2.0 * (steps * (weights + attention) + head),
            activations=float(steps * self.layers * 10 * hidden + heard.height * heard.width),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.audio_gru import AudioGRU

        return AudioGRU(
            bands=self.bands,
            stride=STRIDE,
            hidden_size=self.hidden_size,
            layers=self.layers,
            outputs=shapes.outputs,
            dropout=self.dropout,
        )
