from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, ClassVar, Literal, TypeAlias

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.pretrained.packaged import ENCODER_MODEL, Kind, Source, entry, measure, read_config
from training.recipes import Preset, Recipe
from training.settings.texts import (
    EACH_TOKEN,
    WHOLE_TEXTS,
    Counted,
    TextLength,
    affordable_epochs,
    expected_length,
    token_length,
)

if TYPE_CHECKING:
    from torch import nn


Trained: TypeAlias = Annotated[
    Literal["all", "last", "head", "lora"],
    Field(
        title="What is trained",
        description="All of the model, its last layers, only a new output layer, which is quickest, or thin added "
        "matrices (LoRA), which need little memory.",
    ),
]
TOKENS: dict[Preset, float] = {"quick": 3e5, "balanced": 4.5e5, "thorough": 5e6}
"""Tokens that a preset reads at most to learn: a thousand take a second of one core with MiniLM, trained whole."""


@ARCHITECTURES.register("pretrained-encoder")
class PretrainedEncoderSettings(Architecture):
    """Starts from a model that has already learnt to read, and teaches it your task."""

    title = "Pretrained encoder"
    order = 30
    tasks: ClassVar[tuple[str, ...]] = (*WHOLE_TEXTS, *EACH_TOKEN, "text-similarity", "text-matching")
    good_for = "When meaning counts more than single words, and there are few examples; slower than the others."
    paper = (
        "J. Devlin et al., “BERT: Pre-training of deep bidirectional Transformers for language understanding”, 2019, "
        "https://arxiv.org/abs/1810.04805"
    )
    simple = ("source", "trained")
    starts_from: ClassVar[tuple[Kind, ...]] = ("encoder", "causal")
    pooling: ClassVar[Literal["mean", "last"]] = "mean"
    """Whose notes sum up a text: those of all tokens, or of the last one."""

    source: Source = ENCODER_MODEL
    trained: Trained = "all"
    last_layers: int = Field(
        2, ge=1, le=100, title="Last layers", description="How many layers are trained when only the last ones are."
    )
    rank: int = Field(8, ge=1, le=512, title="LoRA rank", description="Thickness of the added matrices.")
    length: TextLength = 128
    dropout: float = Field(
        0.1, ge=0, le=0.9, title="Dropout", description="Share of numbers switched off before the output layer."
    )
    counted: Counted = False

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        length = expected_length(facts.characters, most={"quick": 64, "balanced": 128, "thorough": 256}[preset])
        lr, each_token, asks = 1e-4, task in EACH_TOKEN, task == "question-answering"
        if each_token:  # a new answer for every token takes larger steps
            length, lr = token_length(task, preset), 1e-3 if preset == "quick" else 3e-4
        if asks:  # long windows read few tokens twice
            length = {"quick": 192, "balanced": 256, "thorough": 384}[preset]
        epochs = {"quick": 1.0, "balanced": 2.0, "thorough": 4.0}[preset] * (2 if each_token else 1)
        settings = cls(trained="last" if preset == "quick" else "all", length=length, counted=task in WHOLE_TEXTS)
        recipe = Recipe(
            epochs=affordable_epochs(epochs, facts, length, tokens=TOKENS[preset]),
            batch_size=64 if task == "text-matching" else 8 if asks else 16,  # other texts are the wrong matches
            lr=lr,
            weight_decay=0.01,
            schedule="linear",
            warmup=0.1,
            clip_norm=1.0,
            class_weights="balanced" if task == "token-classification" else "none",
            evaluations=2 if asks else {"quick": 2, "balanced": 4, "thorough": 8}[preset],
        )
        return settings, recipe

    def cost(self, shapes: Shapes) -> Cost:
        size, config = measure(self.source), read_config(self.source)
        if size is None or not config:
            return Cost(0, 0.0)
        width, layers = entry(config, "hidden_size", "n_embd"), entry(config, "num_hidden_layers", "n_layer")
        inner, heads = entry(config, "intermediate_size") or 4 * width, entry(config, "num_attention_heads", "n_head")
        length = min(shapes.length or self.length, self.length)
        layer = 4 * width * width + 2 * width * inner
        head = (width + 1) * shapes.outputs
        frozen = size.parameters if self.trained in ("head", "lora") else 0
        return Cost(
            frozen=frozen,
            frozen_bytes=4.0 * frozen,
            parameters=size.parameters + head + (size.lora_parameters(self.rank) if self.trained == "lora" else 0),
            flops=2.0 * (length * layers * (layer + 2 * length * width) + (length if shapes.per_token else 1) * head),
            activations=length * layers * (10.0 * width + 2 * inner + 2 * heads * length),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.text_pretrained import PretrainedEncoder
        from training.pretrained.loading import resolve

        return PretrainedEncoder(
            resolve(self.source),
            shapes.outputs,
            trained=self.trained,
            last_layers=self.last_layers,
            rank=self.rank,
            dropout=self.dropout,
            per_token=shapes.per_token,
            pooling=self.pooling,
        )
