from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.heads import heads_share_width
from training.settings.presets import MANY_ROWS
from training.settings.tables import MadeColumns

if TYPE_CHECKING:
    from torch import nn


SAME: dict[str, Any] = {"weight_decay": 0.02, "schedule": "cosine", "warmup": 0.1, "clip_norm": 1.0}
"""What its recipes have in common."""


@ARCHITECTURES.register("ft-transformer")
class FTTransformerSettings(Architecture):
    """Turns every column into a token and lets the tokens look at each other, as a language model does with words."""

    title = "FT-Transformer"
    order = 25
    tasks = ("tabular-classification", "tabular-regression")
    good_for = "Tables of some thousand rows, when it depends on other columns what a column means. Slower than an MLP."
    paper = (
        "Y. Gorishniy et al., “Revisiting deep learning models for tabular data”, 2021, "
        "https://arxiv.org/abs/2106.11959"
    )
    simple = ("layers", "width")

    layers: int = Field(2, ge=1, le=24, title="Layers", description="How often every column looks at the others.")
    width: int = Field(64, ge=8, le=1024, title="Width", description="Numbers that stand for a column.")
    heads: int = Field(8, ge=1, le=64, title="Heads", description="Things a column can look for at the same time.")
    dropout: float = Field(
        0.1, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off at random while learning."
    )
    waves: bool = Field(
        False,
        title="Wave embedding",
        description="Reads numbers by learnt waves, for fine structure such as places on a map.",
    )

    pieces: int = Field(
        0,
        ge=0,
        le=256,
        title="Pieces per number",
        description="Reads numbers by so many pieces, cut where the answer changes, instead of by waves; better where "
        "single values matter.",
    )
    made: MadeColumns = False

    _heads_fit = model_validator(mode="after")(heads_share_width)

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        if facts.rows >= MANY_ROWS:
            return cls._for_many_rows(preset, task)
        settings = cls(
            layers=1 if preset == "quick" else 2, width=32, heads=4, dropout=0.3 if preset == "thorough" else 0.2
        )
        epochs = {"quick": 12.0, "balanced": 40.0, "thorough": 60.0}[preset]
        return settings, Recipe(epochs=epochs, batch_size=32, lr=1e-3, **SAME)

    @classmethod
    def _for_many_rows(cls, preset: Preset, task: str) -> tuple[Architecture, Recipe]:
        regression = task == "tabular-regression"
        settings = cls(
            layers=1 if preset == "quick" else 2,
            width=32,
            heads=4,
            dropout=0.1,
            waves=regression,
            pieces=0 if regression else 48,
            made=regression,
        )
        epochs = {"quick": 5.0, "balanced": 10.0, "thorough": 20.0}[preset]
        return settings, Recipe(epochs=epochs, batch_size=256, lr=2e-3, **SAME)

    def cost(self, shapes: Shapes) -> Cost:
        width, tokens = self.width, 1 + shapes.numbers + len(shapes.categories)
        block = 12 * width * width + 13 * width
        per_number = self._weights_per_number()
        embeddings = width * (1 + sum(shapes.categories)) + per_number * shapes.numbers
        head = (width + 1) * shapes.outputs + 2 * width
        attention = 2 * tokens * tokens * width
        return Cost(
            embeddings + self.layers * block + head,
            flops=2.0 * (self.layers * (tokens * block + attention) + per_number * shapes.numbers + head),
            activations=float(self.layers * tokens * (16 * width + self.heads * tokens)),
        )

    def _weights_per_number(self) -> int:
        if self.pieces:
            return (self.pieces + 2) * self.width
        return 16 + 34 * self.width if self.waves else 2 * self.width

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.ft_transformer import FTTransformer

        return FTTransformer(
            shapes,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            dropout=self.dropout,
            waves=self.waves,
            pieces=self.pieces,
        )
