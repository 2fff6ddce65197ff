from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.language import TokenCount, TokenKind

if TYPE_CHECKING:
    from torch import nn

CHARACTERS_EXPECTED = 100
"""Different characters of a usual text, where it has not been read yet."""


@ARCHITECTURES.register("recurrent-lm")
class RecurrentLanguageSettings(Architecture):
    """Reads a text token by token and rewrites its memory at each; the classic way to continue a text."""

    title = "LSTM and GRU"
    order = 10
    tasks = ("language-modeling",)
    good_for = "Learning how text generation works, on short texts; a GPT is better at the same cost."
    paper = "W. Zaremba et al., “Recurrent neural network regularization”, 2014, https://arxiv.org/abs/1409.2329"
    simple = ("vocabulary", "width")

    vocabulary: TokenKind = "characters"
    vocabulary_size: TokenCount = 4096
    length: int = Field(128, ge=2, le=8192, title="Context", description="Tokens of a text that are learnt in one go.")
    cell: Literal["lstm", "gru", "rnn"] = Field(
        "lstm",
        title="Memory",
        description="LSTM forgets and keeps on purpose, GRU does so with fewer weights, RNN only overwrites.",
    )
    width: int = Field(256, ge=8, le=4096, title="Memory size", description="Numbers it can remember at a time.")
    layers: int = Field(1, ge=1, le=8, title="Layers", description="Memories on top of one another.")
    dropout: float = Field(
        0.0, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off at random while learning."
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width, millions = {"quick": (192, 1.0), "balanced": (256, 3.0), "thorough": (512, 12.0)}[preset]
        settings = cls(width=width, dropout=0.1 if preset == "thorough" else 0.0)
        recipe = Recipe(
            epochs=epochs_for(millions, facts.characters),
            batch_size=16,
            lr=4e-3,
            schedule="flat-linear",
            warmup=0.02,
            clip_norm=1.0,
            evaluations=10,
        )
        return settings, recipe

    def cost(self, shapes: Shapes) -> Cost:
        tokens = shapes.vocabulary or expected_vocabulary(self.vocabulary, self.vocabulary_size)
        gates = {"lstm": 4, "gru": 3, "rnn": 1}[self.cell]
        memory = self.layers * 2 * gates * (self.width + 1) * self.width
        head = (self.width + 1) * tokens
        return Cost(
            parameters=tokens * self.width + memory + head,
            flops=2.0 * (memory + head),
            activations=12.0 * self.layers * self.width + 2 * tokens,
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.recurrent_lm import RecurrentWriter

        return RecurrentWriter(
            shapes.vocabulary, cell=self.cell, layers=self.layers, width=self.width, dropout=self.dropout
        )


def expected_vocabulary(vocabulary: str, size: int) -> int:
    """Tokens that a tokenizer will have, before the text is read."""
    return CHARACTERS_EXPECTED if vocabulary == "characters" else size


def epochs_for(millions: float, characters: float) -> float:
    """Epochs that show the model so many million characters of a text; at least 0.3, at most 40."""
    return round(min(40.0, max(0.3, 1e6 * millions / max(1.0, characters))), 2)
