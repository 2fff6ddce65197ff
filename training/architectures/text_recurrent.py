from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.texts import (
    EACH_TOKEN,
    LOOKS,
    PLACES,
    WHOLE_TEXTS,
    ReaderFromNothing,
    Spelled,
    for_each_token,
    on_counted_words,
)

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("text-recurrent")
class TextRecurrentSettings(ReaderFromNothing):
    """Reads a text word by word and keeps notes in a memory; the answer comes from all notes together."""

    title = "LSTM and GRU"
    order = 10
    tasks = (*WHOLE_TEXTS, *EACH_TOKEN)
    good_for = "Short texts, and seeing how a network learns to read from nothing."
    paper = (
        "S. Hochreiter and J. Schmidhuber, “Long short-term memory”, 1997, https://doi.org/10.1162/neco.1997.9.8.1735"
    )
    simple = ("width", "counted")

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

    spelled: Spelled = False

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width = {"quick": 64, "balanced": 96, "thorough": 160}[preset]
        if task in EACH_TOKEN:
            pooling = "max-mean" if task == "token-classification" else "attention"
            settings = cls.for_tokens(task, preset, width=width, pooling=pooling)
            return settings, for_each_token(task, facts.rows, preset, lr=3e-3)
        return cls.for_whole_texts(preset, facts, width=width), on_counted_words(facts.rows, preset, lr=2e-3)

    def cost(self, shapes: Shapes) -> Cost:
        ways, width = (2 if self.two_way else 1), self.width
        gates = {"lstm": 4, "gru": 3, "rnn": 1}[self.cell]
        inputs = [width] + [ways * width] * (self.layers - 1)
        memory = sum(ways * gates * width * (size + width + 2) for size in inputs)
        noted = ways * width
        attends = self.pooling == "attention"
        attention = (noted * noted if shapes.per_token else noted * (noted + 2)) if attends else 0
        twice = attends if shapes.per_token else self.pooling == "max-mean"
        head = ((2 if twice else 1) * noted + 1) * shapes.outputs
        looks = PLACES if self.spelled and shapes.per_token else 0
        tokens = ((shapes.vocabulary or self.vocabulary_size) + looks) * width
        length = min(shapes.length or self.length, self.length)
        answers = length * head if shapes.per_token else head
        return Cost(
            parameters=tokens + memory + attention + head,
            flops=2.0 * (length * (memory + attention) + answers),
            activations=length * ((LOOKS if looks else 2.0) * width + self.layers * 7 * noted),
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
            places=PLACES if self.spelled and shapes.per_token else 0,
        )
