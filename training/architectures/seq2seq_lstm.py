from __future__ import annotations

from typing import TYPE_CHECKING, Literal, Self

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.seq2seq import PAIRED, PairLength, PieceCount, epochs_of_pairs, expected_pieces, pair_length
from training.settings.texts import Dropout

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("seq2seq-lstm")
class Seq2SeqLSTMSettings(Architecture):
    """One network reads and keeps notes, another writes and looks back at the notes that it needs: attention."""

    title = "LSTM with attention"
    order = 10
    tasks = PAIRED
    good_for = "Short texts, and seeing which word the translator looked at; writing goes word by word."
    paper = (
        "D. Bahdanau et al., “Neural machine translation by jointly learning to align and translate”, 2014, "
        "https://arxiv.org/abs/1409.0473; M.-T. Luong et al., 2015, https://arxiv.org/abs/1508.04025"
    )
    simple = ("width", "match")

    vocabulary_size: PieceCount = 4000
    length: PairLength = 64
    cell: Literal["lstm", "gru"] = Field(
        "lstm", title="Memory", description="LSTM forgets and keeps on purpose; GRU does so with fewer weights."
    )
    match: Literal["multiplicative", "additive"] = Field(
        "multiplicative",
        title="Attention",
        description="How notes are matched with what is written: by a product (Luong) or a small network (Bahdanau).",
    )
    width: int = Field(256, ge=8, le=4096, title="Memory size", description="Numbers it can remember at a time.")
    layers: int = Field(1, ge=1, le=8, title="Layers", description="Memories on top of one another.")
    dropout: Dropout = 0.3

    @model_validator(mode="after")
    def _halves(self) -> Self:
        if self.width % 2:
            raise ValueError("The memory size must be even: one half reads forwards, the other backwards.")
        return self

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width, layers = {"quick": (192, 1), "balanced": (256, 1), "thorough": (384, 2)}[preset]
        epochs = epochs_of_pairs(preset, facts)
        settings = cls(
            vocabulary_size=expected_pieces(facts), length=pair_length(preset, task, facts), width=width, layers=layers
        )
        recipe = Recipe(
            epochs=epochs,
            batch_size=64,
            optimizer="muon",
            lr=0.02,
            side_lr=5e-3,
            momentum=0.95,
            schedule="flat-linear",
            warmup=0.02,
            clip_norm=1.0,
            label_smoothing=0.1,
            evaluations=10,
        )
        return settings, recipe

    def cost(self, shapes: Shapes) -> Cost:
        tokens, width = shapes.vocabulary or self.vocabulary_size, self.width
        gates = {"lstm": 4, "gru": 3}[self.cell]
        reader = self.layers * 2 * gates * (width // 2) * (width + width // 2 + 2)
        writer = self.layers * gates * width * (2 * width + 2)
        attention = width * width + (width * (width + 2) if self.match == "additive" else 0) + 2 * width * width + width
        head = (width + 1) * tokens
        length = (shapes.length or self.length) / 2
        return Cost(
            parameters=tokens * width + reader + writer + attention + head,
            flops=2.0 * length * (reader + writer + attention + head + 2 * width * length),
            activations=length * (14.0 * self.layers * width + 6 * width + 2 * tokens),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.seq2seq_lstm import Seq2SeqLSTM

        return Seq2SeqLSTM(
            shapes.vocabulary,
            start=shapes.padding_id,
            cell=self.cell,
            width=self.width,
            layers=self.layers,
            match=self.match,
            dropout=self.dropout,
        )
