from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.heads import heads_share_width
from training.settings.presets import MANY_ROWS
from training.settings.tables import MadeColumns

if TYPE_CHECKING:
    from torch import nn


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

    made: MadeColumns = False

    _heads_fit = model_validator(mode="after")(heads_share_width)

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        large = facts.rows >= MANY_ROWS
        epochs = {"quick": 6.0, "balanced": 20.0, "thorough": 40.0 if large else 30.0}[preset]
        settings = cls(
            layers={"quick": 1, "balanced": 2, "thorough": 3 if large else 2}[preset],
            width=64 if large and preset != "quick" else 32,
            heads=8 if large and preset != "quick" else 4,
            dropout=0.1 if large else 0.3 if preset == "thorough" else 0.2,
            waves=large,
        )
        recipe = Recipe(
            epochs=epochs if large else 2 * epochs,
            batch_size=256 if large else 32,
            lr=2e-3 if large else 1e-3,
            weight_decay=0.02,
            schedule="cosine",
            warmup=0.1,
            clip_norm=1.0,
        )
        return settings, recipe

    def cost(self, shapes: Shapes) -> Cost:
        width, tokens = self.width, 1 + shapes.numbers + len(shapes.categories)
        block = 12 * width * width + 13 * width
        per_number = 16 + 34 * width if self.waves else 2 * width
        embeddings = width * (1 + sum(shapes.categories)) + per_number * shapes.numbers
        head = (width + 1) * shapes.outputs + 2 * width
        attention = 2 * tokens * tokens * width
        return Cost(
            embeddings + self.layers * block + head,
            flops=2.0 * (self.layers * (tokens * block + attention) + per_number * shapes.numbers + head),
            activations=float(self.layers * tokens * (16 * width + self.heads * tokens)),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.ft_transformer import FTTransformer

        return FTTransformer(
            shapes,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            dropout=self.dropout,
            waves=self.waves,
        )
