from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.architectures.recurrent_lm import epochs_for, expected_vocabulary
from training.recipes import Preset, Recipe
from training.settings.heads import heads_share_pairs
from training.settings.language import Pack, TokenCount, TokenKind

if TYPE_CHECKING:
    from torch import nn

LONG_TEXT = 4_000_000
"""Characters from which pieces of words are worth learning."""


@ARCHITECTURES.register("gpt")
class GPTSettings(Architecture):
    """Looks back at everything it has read before it chooses the next token: the network behind today's chat models."""

    title = "GPT from scratch"
    order = 20
    tasks = ("language-modeling",)
    good_for = "Continuing texts in the style of your own, from about 100,000 characters upwards."
    paper = (
        "A. Radford et al., “Language models are unsupervised multitask learners”, 2019; trained as in K. Jordan et "
        "al., “modded-nanogpt”, 2024, https://github.com/KellerJordan/modded-nanogpt"
    )
    simple = ("vocabulary", "length")

    vocabulary: TokenKind = "characters"
    vocabulary_size: TokenCount = 4096
    length: int = Field(64, ge=2, le=8192, title="Context", description="Tokens that it can look back at.")
    positions: Literal["rotary", "learned"] = Field(
        "rotary",
        title="Positions",
        description="How it knows the order of tokens: what is compared is turned (RoPE), or marks are learnt (GPT-2).",
    )
    layers: int = Field(4, ge=1, le=96, title="Layers", description="Rounds of looking around and thinking.")
    width: int = Field(128, ge=8, le=8192, title="Width", description="Numbers that describe each token.")
    heads: int = Field(4, ge=1, le=128, title="Heads", description="Things it can look for at the same time.")
    dropout: float = Field(
        0.0, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off at random while learning."
    )
    pack: Pack = True

    _heads_fit = model_validator(mode="after")(heads_share_pairs)

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        millions = {"quick": 0.4, "balanced": 1.3, "thorough": 5.0}[preset]
        epochs = epochs_for(millions, facts.characters)
        large = preset == "thorough"
        settings = cls(
            vocabulary="byte-pairs" if facts.characters > LONG_TEXT else "characters",
            length=256 if large else 64,
            layers=6 if large else 4,
            width=256 if large else 128,
            dropout=0.1 if epochs > 3 else 0.0,
        )
        recipe = Recipe(
            epochs=epochs,
            batch_size=8 if large else 16,
            optimizer="muon",
            lr=0.02,
            side_lr=0.012,
            momentum=0.95,
            schedule="flat-linear",
            evaluations=10,
        )
        return settings, recipe

    def cost(self, shapes: Shapes) -> Cost:
        tokens = shapes.vocabulary or expected_vocabulary(self.vocabulary, self.vocabulary_size)
        length = shapes.length or self.length
        blocks, head = 12 * self.layers * self.width**2, self.width * tokens
        looking = 2.0 * self.layers * self.width * length  # scores and sums over half of the context each
        return Cost(
            parameters=blocks + 2 * head + (length * self.width if self.positions == "learned" else 0),
            flops=2.0 * (blocks + head) + looking,
            activations=12.0 * self.layers * self.width + 3 * tokens,
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.gpt import GPT

        return GPT(
            shapes.vocabulary,
            shapes.length,
            layers=self.layers,
            width=self.width,
            heads=self.heads,
            dropout=self.dropout,
            positions=self.positions,
        )
