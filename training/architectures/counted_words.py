from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar, cast

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Rounds, Shapes
from training.recipes import Preset, Recipe
from training.settings.texts import WHOLE_TEXTS

if TYPE_CHECKING:
    from torch import nn

    from training.objectives import Objective


@ARCHITECTURES.register("counted-words")
class CountedWordsSettings(Architecture):
    """Counts words, pairs of words and groups of letters, and gives each a weight: a linear model, no network."""

    title = "Counted words"
    order = 5
    tasks = WHOLE_TEXTS
    good_for = "An answer within seconds; on topics and spam it is hard to beat."
    paper = (
        "T. Joachims, “Text categorization with support vector machines”, 1998, https://doi.org/10.1007/BFb0026683; "
        "S. Wang and C. Manning, “Baselines and bigrams”, 2012, https://aclanthology.org/P12-2018"
    )
    simple = ("words", "letters")
    heeds = ("seed",)
    length: ClassVar[int] = 0
    counted: ClassVar[bool] = True

    words: int = Field(
        2, ge=1, le=4, title="Words in a row", description="Longest run of words that is counted: 2 also counts pairs."
    )
    letters: int = Field(
        5, ge=1, le=8, title="Letters in a row", description="Longest group of letters inside a word that is counted."
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        words, letters = {"quick": (2, 5), "balanced": (2, 5), "thorough": (3, 6)}[preset]
        recipe = Recipe(epochs=1, batch_size=min(65_536, max(1, facts.rows)))
        return cls(words=words, letters=letters), recipe

    def cost(self, shapes: Shapes) -> Cost:
        return Cost(0, flops=2e6, activations=5_000)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.counted_words import NothingMore

        return NothingMore(shapes.outputs)

    def fit(self, model: nn.Module, objective: Objective, recipe: Recipe) -> Rounds:
        from training.texts.whole_texts import WholeTexts

        return cast(WholeTexts, objective).count_words(model)
