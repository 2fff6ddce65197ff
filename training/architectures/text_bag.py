from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.texts import WHOLE_TEXTS, Dropout, ReaderFromNothing, on_counted_words

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("text-bag")
class TextBagSettings(ReaderFromNothing):
    """Learns what each word stands for and takes the mean over the text, whatever the order (fastText)."""

    title = "Bag of embeddings"
    order = 7
    tasks = WHOLE_TEXTS
    good_for = "Many texts in little time, and seeing that words alone say a lot."
    paper = (
        "A. Joulin et al., “Bag of tricks for efficient text classification”, 2017, https://arxiv.org/abs/1607.01759"
    )
    simple = ("width", "counted")

    width: int = Field(64, ge=4, le=4096, title="Width", description="Numbers that stand for a word.")
    buckets: int = Field(
        20_000,
        ge=0,
        le=5_000_000,
        title="Pairs of words",
        description="Places for what neighbouring words stand for together; 0 looks at single words only.",
    )
    dropout: Dropout = 0.2

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width = {"quick": 32, "balanced": 64, "thorough": 128}[preset]
        return cls.for_whole_texts(preset, facts, width=width), on_counted_words(facts.rows, preset, lr=3e-3)

    def cost(self, shapes: Shapes) -> Cost:
        length = min(shapes.length or self.length, self.length)
        head = (self.width + 1) * shapes.outputs
        tables = ((shapes.vocabulary or self.vocabulary_size) + self.buckets) * self.width
        return Cost(tables + head, flops=4.0 * length * self.width + 2.0 * head, activations=4.0 * length * self.width)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.text_bag import BagOfEmbeddings

        return BagOfEmbeddings(
            shapes.vocabulary,
            shapes.outputs,
            width=self.width,
            buckets=self.buckets,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
        )
