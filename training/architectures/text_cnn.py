from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.recipes import Preset, Recipe
from training.settings.texts import WHOLE_TEXTS, ReaderFromNothing, on_counted_words

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("text-cnn")
class TextCNNSettings(ReaderFromNothing):
    """Looks for telling runs of a few words, wherever in the text they stand."""

    title = "Text CNN"
    order = 8
    tasks = WHOLE_TEXTS
    good_for = "Texts in which some phrase decides; quicker than an LSTM."
    paper = "Y. Kim, “Convolutional neural networks for sentence classification”, 2014, https://arxiv.org/abs/1408.5882"
    simple = ("detectors", "counted")

    width: int = Field(64, ge=4, le=4096, title="Width", description="Numbers that stand for a word.")
    runs: str = Field(
        "3-4-5",
        pattern=r"^[1-9](-[1-9]){0,7}$",
        title="Run lengths",
        description="How many words in a row the detectors look at: 3-4-5 has three kinds.",
    )
    detectors: int = Field(
        64, ge=1, le=4096, title="Detectors", description="Phrases that are looked for, for each length of run."
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        detectors = {"quick": 32, "balanced": 64, "thorough": 128}[preset]
        return cls.for_whole_texts(preset, facts, detectors=detectors), on_counted_words(facts.rows, preset, lr=1e-3)

    @property
    def lengths(self) -> list[int]:
        """Words in a row, for each kind of detector."""
        return [int(run) for run in self.runs.split("-")]

    def cost(self, shapes: Shapes) -> Cost:
        length = min(shapes.length or self.length, self.length)
        filters = sum((self.width * run + 1) * self.detectors for run in self.lengths)
        found = self.detectors * len(self.lengths)
        head = (found + 1) * shapes.outputs
        return Cost(
            parameters=(shapes.vocabulary or self.vocabulary_size) * self.width + filters + head,
            flops=2.0 * (length * filters + head),
            activations=length * (2.0 * self.width + 2 * found),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.text_cnn import TextCNN

        return TextCNN(
            shapes.vocabulary,
            shapes.outputs,
            width=self.width,
            runs=self.lengths,
            detectors=self.detectors,
            dropout=self.dropout,
            word_dropout=self.word_dropout,
        )
