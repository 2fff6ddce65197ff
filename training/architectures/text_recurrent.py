from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.text_settings import (
    EACH_TOKEN,
    WHOLE_TEXTS,
    Counted,
    Dropout,
    TextLength,
    VocabularyKind,
    VocabularySize,
    WordDropout,
    expected_length,
    for_each_token,
    on_counted_words,
    token_length,
)

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("text-recurrent")
class TextRecurrentSettings(Architecture):
    """Reads a text word by word and keeps notes in a memory; the answer comes from all notes together."""

    title = "LSTM and GRU"
    order = 10
    tasks = (*WHOLE_TEXTS, *EACH_TOKEN)
    good_for = "Short texts, and seeing how a network learns to read from nothing."
    paper = (
        "S. Hochreiter and J. Schmidhuber, “Long short-term memory”, 1997, https://doi.org/10.1162/neco.1997.9.8.1735"
    )
    simple = ("width", "counted")

    vocabulary: VocabularyKind = "words"
    vocabulary_size: VocabularySize = 20_000
    length: TextLength = 256
    cell: Literal["lstm", "gru", "rnn"] = Field(
        "lstm",
        title="Memory",
        description="LSTM forgets and keeps on purpose, GRU does so with fewer weights, RNN only overwrites.",
    )
    width: int = Field(96, ge=4, le=4096, title="Memory size", description="Numbers it can remember at a time.")
    layers: int = Field(1, ge=1, le=8, title="Layers", description="Memories on top of one another.")
    two_way: bool = Field(True, title="Both ways", description="Also read from the end to the start.")
    pooling: Literal["max-mean", "attention", "last"] = Field(
        "max-mean",
        title="Summary",
        description=(
            "How notes become one answer: strongest and mean, weighted by attention, or only the last ones. "
            "Where every word gets an answer, attention lets it look at all others once more."
        ),
    )
    dropout: Dropout = 0.3
    word_dropout: WordDropout = 0.1
    counted: Counted = False

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width = {"quick": 64, "balanced": 96, "thorough": 160}[preset]
        if task in EACH_TOKEN:
            tags = task == "token-classification"
            return cls(
                vocabulary="byte-pairs" if tags else "words",
                vocabulary_size=4_000 if tags else 20_000,
                length=token_length(task, preset),
                width=width,
                pooling="max-mean" if tags else "attention",
                dropout=0.3,
                word_dropout=0.1,
            ), for_each_token(facts.rows, preset, lr=3e-3)
        length = expected_length(facts.characters, most={"quick": 128, "balanced": 256, "thorough": 512}[preset])
        settings = cls(length=length, width=width, dropout=0.5, word_dropout=0.2, counted=True)
        return settings, on_counted_words(facts.rows, preset, lr=2e-3)

    def cost(self, shapes: Shapes) -> Cost:
        ways, width = (2 if self.two_way else 1), self.width
        gates = {"lstm": 4, "gru": 3, "rnn": 1}[self.cell]
        inputs = [width] + [ways * width] * (self.layers - 1)
        memory = sum(ways * gates * width * (size + width + 2) for size in inputs)
        noted = ways * width
        looks = self.pooling == "attention"
        attention = (noted * noted if shapes.per_token else noted * (noted + 2)) if looks else 0
        twice = looks if shapes.per_token else self.pooling == "max-mean"
        head = ((2 if twice else 1) * noted + 1) * shapes.outputs
        tokens = (shapes.vocabulary or self.vocabulary_size) * width
        length = min(shapes.length or self.length, self.length)
        answers = length * head if shapes.per_token else head
        return Cost(
            parameters=tokens + memory + attention + head,
            flops=2.0 * (length * (memory + attention) + answers),
            activations=length * (2.0 * width + self.layers * 7 * noted),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.text_recurrent import TextRecurrent

        return TextRecurrent(
            shapes.vocabulary,
            shapes.outputs,
            cell=self.cell,
            width=self.width,
            layers=self.layers,
            two_way=self.two_way,
            pooling=self.pooling,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
            per_token=shapes.per_token,
        )
