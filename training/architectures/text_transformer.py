from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field, model_validator

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.heads import heads_share_width
from training.settings.texts import (
    PLACES,
    WHOLE_TEXTS,
    Dropout,
    ReaderFromNothing,
    Spelled,
    for_each_token,
    on_counted_words,
)

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("text-transformer")
class TextTransformerSettings(ReaderFromNothing):
    """Reads all words of a text at once and lets each look at the others, starting from nothing."""

    title = "Transformer"
    order = 20
    tasks = (*WHOLE_TEXTS, "token-classification")
    good_for = "Texts in any language, when there is no pretrained model for it or it has to be small and quick."
    paper = "A. Vaswani et al., “Attention is all you need”, 2017, https://arxiv.org/abs/1706.03762"
    simple = ("layers", "counted")

    layers: int = Field(2, ge=1, le=48, title="Layers", description="How often every word looks at the others.")
    width: int = Field(96, ge=8, le=4096, title="Width", description="Numbers kept per word.")
    heads: int = Field(4, ge=1, le=64, title="Heads", description="Things a word can look for at the same time.")
    dropout: Dropout = 0.2
    spelled: Spelled = False

    _heads_fit = model_validator(mode="after")(heads_share_width)

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        layers, width = {"quick": (1, 64), "balanced": (2, 96), "thorough": (3, 128)}[preset]
        if task == "token-classification":
            settings = cls.for_tokens(task, preset, layers=layers, width=width)
            return settings, for_each_token(task, facts.rows, preset, lr=1e-3)
        settings = cls.for_whole_texts(preset, facts, dropout=0.4, layers=layers, width=width)
        return settings, on_counted_words(facts.rows, preset, lr=1e-3)

    def cost(self, shapes: Shapes) -> Cost:
        width, length = self.width, min(shapes.length or self.length, self.length)
        block = 12 * width * width + 13 * width
        head = ((1 if shapes.per_token else 2) * width + 1) * shapes.outputs
        looks = PLACES if self.spelled and shapes.per_token else 0
        embeddings = ((shapes.vocabulary or self.vocabulary_size) + looks + (shapes.length or self.length)) * width
        return Cost(
            parameters=embeddings + self.layers * block + 2 * width + head,
            flops=2.0
            * (length * self.layers * (block + 2 * length * width) + (length if shapes.per_token else 1) * head),
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
            per_token=shapes.per_token,
            places=PLACES if self.spelled and shapes.per_token else 0,
        )
