from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Rounds, Shapes
from training.architectures.gpt import LONG_TEXT
from training.architectures.recurrent_lm import expected_vocabulary
from training.recipes import Preset, Recipe
from training.settings.language import TokenCount, TokenKind

if TYPE_CHECKING:
    from torch import nn

    from training.objectives import Objective


@ARCHITECTURES.register("ngram")
class NgramSettings(Architecture):
    """Counts which token followed which few before it, and guesses from the counts: no network, no gradients."""

    title = "N-gram model"
    order = 5
    tasks = ("language-modeling",)
    good_for = "Knowing in seconds what plain counting reaches; a network should do better."
    paper = (
        "R. Kneser and H. Ney, “Improved backing-off for m-gram language modeling”, 1995; S. Chen and J. Goodman, "
        "“An empirical study of smoothing techniques for language modeling”, 1999"
    )
    simple = ("vocabulary", "longest")
    heeds = ("seed", "checkpoint_seconds")

    vocabulary: TokenKind = "characters"
    vocabulary_size: TokenCount = 4096
    longest: int = Field(
        6, ge=1, le=12, title="Longest group", description="Tokens that are counted together, the guessed one included."
    )
    length: int = Field(64, ge=2, le=8192, title="Context", description="Tokens of a text that are judged in one go.")

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        most = 8 if facts.characters > LONG_TEXT else 6  # longer groups than a text repeats only cost
        longest = {"quick": 4, "balanced": 6, "thorough": most}[preset]
        return cls(longest=longest), Recipe(epochs=longest)

    def cost(self, shapes: Shapes) -> Cost:
        tokens = shapes.vocabulary or expected_vocabulary(self.vocabulary, self.vocabulary_size)
        return Cost(0, flops=20.0 * self.longest * tokens, activations=0.0)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.ngram import Ngram

        return Ngram(shapes.vocabulary, self.longest)

    def fit(self, model: nn.Module, objective: Objective, recipe: Recipe) -> Rounds:
        from training.models.ngram import Ngram, count
        from training.objectives.language import Language

        return count(cast(Ngram, model), cast(Language, objective))
