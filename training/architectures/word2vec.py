from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.words import Rarest, Reach, VectorWidth, WordCount, epochs_for_words, rarest_for

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("word2vec")
class Word2VecSettings(Architecture):
    """Learns to tell real neighbours of a word from random ones: a word is known by the company it keeps."""

    title = "Word2Vec"
    order = 10
    tasks = ("word-embeddings",)
    good_for = "Seeing how words of your own texts relate, from about 100,000 words upwards."
    paper = (
        "T. Mikolov et al., “Distributed representations of words and phrases and their compositionality”, 2013, "
        "https://arxiv.org/abs/1310.4546"
    )
    simple = ("method", "window")

    method: Literal["skip-gram", "cbow"] = Field(
        "skip-gram",
        title="Guess",
        description="Its company from a word (skip-gram, better for rare ones), or a word from its company (CBOW).",
    )
    width: VectorWidth = 100
    window: Reach = 5
    negatives: int = Field(
        5, ge=1, le=100, title="Random words", description="Words that real company is told apart from."
    )
    keep: float = Field(
        1e-3,
        gt=0,
        le=1,
        title="Thinning",
        description="Words that make up more of the text than this share are skipped now and then; 1 skips none.",
    )
    vocabulary_size: WordCount = 20_000
    rarest: Rarest = 3

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width, millions = {"quick": (50, 10.0), "balanced": (100, 30.0), "thorough": (200, 100.0)}[preset]
        recipe = Recipe(
            epochs=epochs_for_words(millions, facts.characters),
            batch_size=256,
            optimizer="adam",
            lr=5e-3,
            schedule="linear",
            evaluations=10,
        )
        return cls(width=width, rarest=rarest_for(facts.characters)), recipe

    def cost(self, shapes: Shapes) -> Cost:
        words = shapes.vocabulary or self.vocabulary_size
        compared = (self.window if self.method == "skip-gram" else 1) * (1 + self.negatives)
        return Cost(2 * words * self.width, flops=2.0 * compared * self.width, activations=compared * self.width)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.word_vectors import Word2Vec

        return Word2Vec(shapes.vocabulary, self.width, from_company=self.method == "cbow")
