from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.heads import heads_share_pairs
from training.settings.seq2seq import PAIRED, PairLength, PieceCount, epochs_of_pairs, expected_pieces, pair_length
from training.settings.texts import Dropout

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("seq2seq-transformer")
class Seq2SeqTransformerSettings(Architecture):
    """Reads the whole text at once, then writes word by word and looks at everything read and written so far."""

    title = "Transformer for translation"
    order = 20
    tasks = PAIRED
    good_for = "Translating or rewriting with some ten thousand pairs or more, learnt from nothing."
    paper = "A. Vaswani et al., “Attention is all you need”, 2017, https://arxiv.org/abs/1706.03762"
    simple = ("width", "layers")

    vocabulary_size: PieceCount = 4000
    length: PairLength = 64
    layers: int = Field(
        3,
        ge=1,
        le=24,
        title="Layers",
        description="Rounds of looking around and thinking, as many to read as to write.",
    )
    width: int = Field(128, ge=8, le=4096, title="Width", description="Numbers that describe each piece of a word.")
    heads: int = Field(4, ge=1, le=64, title="Heads", description="Things it can look for at the same time.")
    dropout: Dropout = 0.1

    _heads_fit = model_validator(mode="after")(heads_share_pairs)

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width, layers = {"quick": (96, 2), "balanced": (128, 3), "thorough": (256, 4)}[preset]
        settings = cls(
            vocabulary_size=expected_pieces(facts), length=pair_length(preset, task, facts), width=width, layers=layers
        )
        recipe = Recipe(
            epochs=epochs_of_pairs(preset, facts),
            batch_size=64,
            optimizer="muon",
            lr=0.02,
            side_lr=0.01,
            momentum=0.95,
            schedule="flat-linear",
            warmup=0.02,
            label_smoothing=0.1,
            evaluations=10,
        )
        return settings, recipe

    def cost(self, shapes: Shapes) -> Cost:
        tokens, width = shapes.vocabulary or self.vocabulary_size, self.width
        blocks = self.layers * (28 * width**2 + 3 * self.heads)
        head = width * tokens
        length = (shapes.length or self.length) / 2
        looking = 6.0 * self.layers * width * length
        return Cost(
            parameters=blocks + 2 * head,
            flops=2.0 * length * (blocks + head + looking),
            activations=length * (30.0 * self.layers * width + 3 * tokens),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.seq2seq_transformer import Seq2SeqTransformer

        return Seq2SeqTransformer(
            shapes.vocabulary,
            start=shapes.padding_id,
            length=shapes.length,
            layers=self.layers,
            width=self.width,
            heads=self.heads,
            dropout=self.dropout,
        )
