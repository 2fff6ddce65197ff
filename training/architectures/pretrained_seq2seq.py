from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.pretrained.packaged import Source, measure
from training.recipes import Preset, Recipe
from training.settings.seq2seq import PAIRED, PairLength, pair_length

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("pretrained-seq2seq")
class PretrainedSeq2SeqSettings(Architecture):
    """Starts from a model that already translates or summarises, such as T5, and teaches it your pairs."""

    title = "Pretrained translator"
    order = 30
    tasks = PAIRED
    good_for = "Any number of pairs, as soon as a pretrained model of the T5 or BART family is at hand."
    paper = (
        "C. Raffel et al., “Exploring the limits of transfer learning with a unified text-to-text transformer”, 2019, "
        "https://arxiv.org/abs/1910.10683"
    )
    simple = ("source",)
    starts_from = ("seq2seq",)

    source: Source = "google-t5/t5-small"
    length: PairLength = 128
    prefix: str = Field(
        "",
        max_length=200,
        title="Instruction",
        description="Words put before every source; T5 knows “translate English to German: ” and “summarize: ”.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        epochs = {"quick": 1.0, "balanced": 3.0, "thorough": 6.0}[preset]
        recipe = Recipe(
            epochs=epochs,
            batch_size=16,
            lr=3e-4,
            schedule="linear",
            warmup=0.05,
            clip_norm=1.0,
            evaluations={"quick": 2, "balanced": 6, "thorough": 10}[preset],
        )
        prefix = "summarize: " if task == "summarization" else ""
        return cls(length=pair_length(preset, task, facts), prefix=prefix), recipe

    def cost(self, shapes: Shapes) -> Cost:
        size = measure(self.source)
        if size is None:
            return Cost(0, 0.0)
        length = (shapes.length or self.length) / 2
        return Cost(size.parameters, flops=2.0 * length * size.parameters, activations=0.02 * length * size.parameters)

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.pretrained_seq2seq import PretrainedSeq2Seq
        from training.pretrained.loading import resolve

        return PretrainedSeq2Seq(resolve(self.source), start=shapes.padding_id)
