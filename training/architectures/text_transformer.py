from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.architectures.text_lstm import expected_length, on_counted_words
from training.recipes import Preset, Recipe

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("text-transformer")
class TextTransformerSettings(Architecture):
    """Reads all words of a text at once and lets each look at the others, starting from nothing."""

    title = "Transformer"
    order = 20
    tasks = ("text-classification",)
    good_for = "Texts in any language, when there is no pretrained model for it or it has to be small and quick."
    paper = "A. Vaswani et al., “Attention is all you need”, 2017, https://arxiv.org/abs/1706.03762"
    simple = ("layers", "counted")

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
    layers: int = Field(2, ge=1, le=48, title="Layers", description="How often every word looks at the others.")
    width: int = Field(96, ge=8, le=4096, title="Width", description="Numbers kept per word.")
    heads: int = Field(4, ge=1, le=64, title="Heads", description="Things a word can look for at the same time.")
    dropout: float = Field(
        0.2, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off at random while learning."
    )
    word_dropout: float = Field(
        0.1, ge=0, le=0.9, title="Word dropout", description="Share of words left out at random while learning."
    )
    counted: bool = Field(
        False,
        title="Build on counted words",
        description="Starts from a linear model over counted words and letter groups and learns what it misses.",
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.width % self.heads:
            raise ValueError(f"The width {self.width} cannot be shared evenly by {self.heads} heads")
        return self

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        length = expected_length(facts.characters, most={"quick": 128, "balanced": 256, "thorough": 512}[preset])
        layers, width = {"quick": (1, 64), "balanced": (2, 96), "thorough": (3, 128)}[preset]
        settings = cls(length=length, layers=layers, width=width, dropout=0.4, word_dropout=0.2, counted=True)
        return settings, on_counted_words(facts.rows, preset, lr=1e-3)

    def cost(self, shapes: Shapes) -> Cost:
        width, length = self.width, min(shapes.length or self.length, self.length)
        block = 12 * width * width + 13 * width
        head = (2 * width + 1) * shapes.outputs
        embeddings = ((shapes.vocabulary or self.vocabulary_size) + (shapes.length or self.length)) * width
        return Cost(
            parameters=embeddings + self.layers * block + 2 * width + head,
            flops=2.0 * (length * self.layers * (block + 2 * length * width) + head),
            activations=length * self.layers * (24.0 * width + self.heads * length),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.text_transformer import TextTransformer

        return TextTransformer(
            shapes.vocabulary,
            shapes.outputs,
            length=shapes.length,
            width=self.width,
            layers=self.layers,
            heads=self.heads,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
        )
