from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.media.sound_size import BANDS, SECONDS, fit_sounds
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("ctc")
class CTCSettings(Architecture):
    """Listens in both directions and names a letter, or nothing, for every moment; where each belongs it finds out."""

    title = "CNN and GRU with CTC"
    order = 40
    tasks = ("speech-recognition",)
    good_for = "Short commands and small vocabularies; free speech needs hundreds of hours, or a pretrained model."
    paper = (
        "A. Graves et al., “Connectionist temporal classification”, 2006, https://doi.org/10.1145/1143844.1143891; "
        "D. Amodei et al., “Deep Speech 2”, 2016, https://arxiv.org/abs/1512.02595"
    )
    simple = ("hidden_size",)

    filters: int = Field(16, ge=4, le=128, title="Filters", description="Patterns that the first layers look for.")
    hidden_size: int = Field(
        96, ge=8, le=1024, title="Memory size", description="Numbers it can remember at a time, in each direction."
    )
    layers: int = Field(2, ge=1, le=6, title="Layers", description="Memories on top of each other.")
    dropout: float = Field(
        0.1, ge=0, le=0.9, title="Dropout", description="Share of what was heard that is hidden while learning."
    )
    bands: int = BANDS
    seconds: float = SECONDS

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        passes = {"quick": 5, "balanced": 12, "thorough": 30}[preset]
        recipe = Recipe(
            epochs=epochs_for(passes, facts.rows, most=12.0),
            batch_size=min(64, max(8, facts.rows // 40)),
            lr=3e-3,
            weight_decay=0.01,
            schedule="cosine",
            warmup=0.1,
            clip_norm=1.0,
            evaluations=10,
        )
        return cls(hidden_size=192 if preset == "thorough" else 96), recipe

    def cost(self, shapes: Shapes) -> Cost:
        heard = fit_sounds(shapes, bands=self.bands, seconds=self.seconds)
        filters, hidden, steps = self.filters, self.hidden_size, heard.width // 2
        inputs = [filters * (heard.height // 4)] + [2 * hidden] * (self.layers - 1)
        weights = sum(6 * hidden * (size + hidden) for size in inputs)
        first, second = 9 * filters, 9 * filters**2
        head = 2 * hidden * heard.outputs
        area = heard.height * heard.width
        return Cost(
            first + second + 4 * filters + weights + 12 * hidden * self.layers + head + heard.outputs,
            flops=2.0 * (first * area / 4 + second * area / 8 + steps * (weights + head)),
            activations=float(filters * area + steps * self.layers * 10 * hidden),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.ctc import CTCNetwork

        return CTCNetwork(
            bands=self.bands,
            filters=self.filters,
            hidden_size=self.hidden_size,
            layers=self.layers,
            outputs=shapes.outputs,
            dropout=self.dropout,
        )
