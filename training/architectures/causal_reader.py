from __future__ import annotations

from typing import ClassVar, Literal

from training.architectures import ARCHITECTURES, Architecture, Facts
from training.architectures.pretrained_encoder import PretrainedEncoderSettings, Trained
from training.pretrained.packaged import CHAT_MODEL, Source
from training.recipes import Preset, Recipe
from training.settings.texts import WHOLE_TEXTS


@ARCHITECTURES.register("causal-reader")
class CausalReaderSettings(PretrainedEncoderSettings):
    """Starts from a model that writes, such as GPT-2 or SmolLM2, and lets it judge a text after its last word."""

    title = "Pretrained language model, as a reader"
    order = 35
    tasks = WHOLE_TEXTS
    good_for = "When a language model of your field or language is at hand, but no encoder; slow without a GPU."
    paper = (
        "A. Radford et al., “Improving language understanding by generative pre-training”, 2018, "
        "https://openai.com/index/language-unsupervised"
    )
    starts_from = ("causal",)
    pooling: ClassVar[Literal["mean", "last"]] = "last"

    source: Source = CHAT_MODEL
    trained: Trained = "lora"

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        settings, recipe = super().preset(preset, task, facts)
        changed = settings.model_copy(update={"trained": "last" if preset == "quick" else "lora"})
        return changed, recipe.model_copy(update={"batch_size": 8, "lr": 3e-4})
