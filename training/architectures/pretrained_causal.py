from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.pretrained.packaged import CHAT_MODEL, Source, entry, measure, read_config
from training.recipes import Preset, Recipe
from training.settings.language import Pack

if TYPE_CHECKING:
    from torch import nn

FEW = 1_000
"""Conversations below which steps are made smaller, so that there are more of them."""
PRESSED_BYTES = 0.52
"""Of a weight in 4 bits, its share of the scales included."""


@ARCHITECTURES.register("pretrained-causal")
class PretrainedCausalSettings(Architecture):
    """Starts from a model that has read a large part of the internet, and teaches it your texts or conversations."""

    title = "Pretrained chat model"
    order = 30
    tasks = ("language-modeling", "preference-tuning")
    good_for = "Conversations and instructions, and any text when there is too little of it to learn a language from."
    paper = "E. Hu et al., “LoRA: Low-rank adaptation of large language models”, 2021, https://arxiv.org/abs/2106.09685"
    simple = ("source", "method")
    starts_from = ("causal",)

    source: Source = CHAT_MODEL
    method: Literal["lora", "qlora", "whole"] = Field(
        "lora",
        title="What is trained",
        description="Thin added matrices (LoRA), which is quick and forgets little; the same over weights in 4 bits "
        "(QLoRA), for large models on a GPU; or all weights of the model.",
    )
    rank: int = Field(8, ge=1, le=512, title="LoRA rank", description="Thickness of the added matrices.")
    length: int = Field(
        256, ge=2, le=131_072, title="Context", description="Tokens that are learnt in one go; the rest is cut off."
    )
    dropout: float = Field(
        0.0, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off at random while learning."
    )
    pack: Pack = True
    beta: float = Field(
        0.1,
        gt=0,
        le=10,
        title="Loyalty",
        description="When it learns from votes: how much it stays what it was (β of DPO); higher changes less.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        epochs = {"quick": 1.0, "balanced": 2.0, "thorough": 4.0}[preset]
        votes = task == "preference-tuning"
        recipe = Recipe(
            epochs=epochs,
            batch_size=4,
            accumulate=1 if facts.conversations and facts.rows < FEW else 2,  # few teach more in smaller steps
            lr=5e-5 if votes else 5e-4,  # votes move a model far with small steps
            schedule="linear",
            warmup=0.05,
            clip_norm=1.0,
            evaluations={"quick": 2, "balanced": 4, "thorough": 8}[preset],
        )
        return cls(dropout=0.05 if preset == "thorough" else 0.0, rank=16 if preset == "thorough" else 8), recipe

    def cost(self, shapes: Shapes) -> Cost:
        size, config = measure(self.source), read_config(self.source)
        if size is None:
            return Cost(0, 0.0)
        added = size.lora_parameters(self.rank) if self.method != "whole" else 0
        width, layers = entry(config, "hidden_size", "n_embd"), entry(config, "num_hidden_layers", "n_layer")
        length, words = shapes.length or self.length, entry(config, "vocab_size") * width
        pressed = 4.0 * words + PRESSED_BYTES * (size.parameters - words)
        return Cost(
            parameters=size.parameters + added,
            frozen=0 if self.method == "whole" else size.parameters,
            frozen_bytes={"whole": 0.0, "lora": 4.0 * size.parameters, "qlora": pressed}[self.method],
            flops=2.0 * (size.parameters + added) + 2.0 * layers * width * length,
            activations=12.0 * layers * width + 2 * entry(config, "vocab_size"),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.pretrained_causal import PretrainedCausal
        from training.pretrained.loading import resolve

        return PretrainedCausal(
            resolve(self.source), shapes.length, method=self.method, rank=self.rank, dropout=self.dropout
        )
