from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("text-lstm")
class TextLSTMSettings(Architecture):
    """Reads a text word by word and keeps notes in a memory; the answer comes from all notes together."""

    title = "LSTM"
    order = 10
    tasks = ("text-classification",)
    good_for = "Short texts, and seeing how a network learns to read from nothing."
    paper = (
        "S. Hochreiter and J. Schmidhuber, “Long short-term memory”, 1997, https://doi.org/10.1162/neco.1997.9.8.1735"
    )
    simple = ("width", "counted")

    vocabulary: Literal["words", "byte-pairs", "characters"] = Field(
        "words",
        title="Tokens",
        description="Read whole words, pieces of words (byte pairs), or letters. Chinese is always read sign by sign.",
    )
    vocabulary_size: int = Field(
        20_000, ge=100, le=500_000, title="Vocabulary", description="How many different tokens are learnt at most."
    )
    length: int = Field(
        256, ge=4, le=8192, title="Longest text", description="Tokens of a text that are read; the rest is cut off."
    )
    width: int = Field(96, ge=4, le=4096, title="Memory size", description="Numbers it can remember at a time.")
    layers: int = Field(1, ge=1, le=8, title="Layers", description="Memories on top of one another.")
    two_way: bool = Field(True, title="Both ways", description="Also read from the end to the start.")
    pooling: Literal["max-mean", "attention", "last"] = Field(
        "max-mean",
        title="Summary",
        description="How notes become one answer: strongest and mean, weighted by attention, or only the last ones.",
    )
    dropout: float = Field(
        0.3, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off at random while learning."
    )
    word_dropout: float = Field(
        0.1, ge=0, le=0.9, title="Word dropout", description="Share of words left out at random while learning."
    )
    counted: bool = Field(
        False,
        title="Build on counted words",
        description="Starts from a linear model over counted words and letter groups and learns what it misses.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        length = expected_length(facts.characters, most={"quick": 128, "balanced": 256, "thorough": 512}[preset])
        width = {"quick": 64, "balanced": 96, "thorough": 160}[preset]
        settings = cls(length=length, width=width, dropout=0.5, word_dropout=0.2, counted=True)
        return settings, on_counted_words(facts.rows, preset, lr=2e-3)

    def cost(self, shapes: Shapes) -> Cost:
        ways, width = (2 if self.two_way else 1), self.width
        inputs = [width] + [ways * width] * (self.layers - 1)
        memory = sum(ways * 4 * width * (size + width + 2) for size in inputs)
        noted = ways * width
        attention = noted * (noted + 2) if self.pooling == "attention" else 0
        head = ((2 if self.pooling == "max-mean" else 1) * noted + 1) * shapes.outputs
        tokens = (shapes.vocabulary or self.vocabulary_size) * width
        length = min(shapes.length or self.length, self.length)
        return Cost(
            parameters=tokens + memory + attention + head,
            flops=2.0 * (length * (memory + attention) + head),
            activations=length * (2.0 * width + self.layers * 7 * noted),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.text_lstm import TextLSTM

        return TextLSTM(
            shapes.vocabulary,
            shapes.outputs,
            width=self.width,
            layers=self.layers,
            two_way=self.two_way,
            pooling=self.pooling,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
        )


def expected_length(characters: float, *, most: int) -> int:
    """Tokens that take in nearly all of texts with so many characters on average: twice the mean, in steps of 32."""
    tokens = 2 * characters / 5
    return min(most, max(64, 32 * round(tokens / 32))) if characters else most


def on_counted_words(rows: int, preset: Preset, *, lr: float) -> Recipe:
    """The recipe of a reader that builds on counted words: short, for what it can add is soon learnt by heart.

    With 4,500 short messages the held-out loss of a run of eleven rounds was lowest after the second.
    """
    steps = {"quick": 200, "balanced": 500, "thorough": 1000}[preset]
    batch_size = 32 if rows < 20_000 else 64
    return Recipe(
        epochs=round(min(10.0, max(1.0, steps * batch_size / max(1, rows))), 1),
        batch_size=batch_size,
        lr=lr,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.1,
        clip_norm=1.0,
        evaluations={"quick": 4, "balanced": 8, "thorough": 12}[preset],
    )
