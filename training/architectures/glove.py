from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.words import Rarest, Reach, VectorWidth, WordCount, rarest_for

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("glove")
class GloVeSettings(Architecture):
    """Counts once which words stand near each other, then finds vectors whose products give back the counts."""

    title = "GloVe"
    order = 20
    tasks = ("word-embeddings",)
    good_for = "The same as Word2Vec by another way: all counts at once, so that an epoch is short."
    paper = (
        "J. Pennington et al., “GloVe: global vectors for word representation”, 2014, https://aclanthology.org/D14-1162"
    )
    simple = ("width", "window")

    width: VectorWidth = 100
    window: Reach = 8
    enough: float = Field(
        20.0, gt=0, le=10_000, title="Enough", description="Counts from here on weigh the same; rarer ones weigh less."
    )
    vocabulary_size: WordCount = 20_000
    rarest: Rarest = 3

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        width, epochs = {"quick": (50, 10.0), "balanced": (100, 25.0), "thorough": (200, 50.0)}[preset]
        recipe = Recipe(epochs=epochs, batch_size=8192, optimizer="adam", lr=0.01, schedule="linear", evaluations=10)
        return cls(width=width, rarest=rarest_for(facts.characters)), recipe

    def cost(self, shapes: Shapes) -> Cost:
        words = shapes.vocabulary or self.vocabulary_size
        return Cost(2 * words * (self.width + 1), flops=2.0 * self.width, activations=4.0 * self.width)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.word_vectors import GloVe

        return GloVe(shapes.vocabulary, self.width, enough=self.enough)
