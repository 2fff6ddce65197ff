from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from training.architectures import ARCHITECTURES, Architecture, Cost, Facts, Shapes
from training.architectures.audio_cnn import AudioCNNSettings
from training.architectures.cnn import CNNSettings
from training.architectures.mlp import MLPSettings, NumberWidth
from training.architectures.text_bag import TextBagSettings
from training.architectures.text_transformer import TextTransformerSettings
from training.media.picture_size import IMAGE_SIZE
from training.media.sound_size import BANDS, SECONDS
from training.recipes import Preset, Recipe
from training.settings.presets import epochs_for
from training.settings.texts import TextLength, VocabularyKind, VocabularySize, expected_length

if TYPE_CHECKING:
    from torch import nn


@ARCHITECTURES.register("multimodal")
class MultimodalSettings(Architecture):
    """Reads every column in its own way, be it numbers, categories, texts, pictures or sounds, and decides from all."""

    title = "Multimodal network"
    order = 30
    tasks = ("tabular-classification", "tabular-regression")
    good_for = "Tables with columns of text, pictures or sounds beside numbers and categories."
    paper = (
        "X. Shi et al., “Benchmarking multimodal AutoML for tabular data with text fields”, 2021, "
        "https://arxiv.org/abs/2111.02705"
    )
    simple = ("text_reader", "notes")

    text_reader: Literal["bag", "transformer"] = Field(
        "bag",
        title="Reader of texts",
        description="A bag takes the mean of what words stand for; a Transformer minds their order and takes longer.",
    )
    notes: int = Field(
        64,
        ge=4,
        le=1024,
        title="Notes per column",
        description="Numbers in which a text, a picture, a sound or the table is summed up.",
    )
    filters: int = Field(
        16, ge=1, le=512, title="Filters", description="Patterns in the first layer that looks at pictures or sounds."
    )
    dropout: float = Field(
        0.2, ge=0, le=0.9, title="Dropout", description="Share of notes and words left out at random while learning."
    )
    number_width: NumberWidth = 0
    vocabulary: VocabularyKind = "words"
    vocabulary_size: VocabularySize = 10_000
    length: TextLength = 128
    image_size: int = IMAGE_SIZE
    bands: int = BANDS
    seconds: float = SECONDS
    counted: bool = Field(
        True,
        title="Build on counted words",
        description="Also tells the network what a linear model over counted words, which has not seen the text, says.",
    )

    @classmethod
    def preset(cls, preset: Preset, task: str, facts: Facts) -> tuple[Architecture, Recipe]:
        large = facts.rows >= 5_000
        settings = cls(
            notes=64 if large else 32,
            length=expected_length(facts.characters, most=256),
            dropout=0.1 if large else 0.6 if facts.shapes.texts else 0.3,  # few texts are soon known by heart
            number_width=16 if large else 0,
        )
        recipe = Recipe(
            epochs=epochs_for({"quick": 5, "balanced": 15, "thorough": 40}[preset], facts.rows),
            batch_size=128 if large else 32,
            lr=2e-3,
            weight_decay=0.02,
            schedule="cosine",
            warmup=0.1,
            clip_norm=1.0,
        )
        return settings, recipe

    def cost(self, shapes: Shapes) -> Cost:
        costs = [reader.cost(read) for reader, read in self._readers(shapes)]
        joined = (len(costs) * self.notes + 1) * self.notes + (self.notes + 1) * shapes.outputs
        return Cost(
            sum(cost.parameters for cost in costs) + joined,
            flops=sum(cost.flops for cost in costs) + 2.0 * joined,
            activations=sum(cost.activations for cost in costs) + 3.0 * self.notes * len(costs),
        )

    def build(self, shapes: Shapes) -> nn.Module:
        from training.models.multimodal import Multimodal

        built = [reader.build(read) for reader, read in self._readers(shapes)]
        plain = len(built) - shapes.texts - shapes.pictures - shapes.sounds
        seen = plain + shapes.texts
        return Multimodal(
            built[0] if plain else None,
            built[plain:seen],
            built[seen : seen + shapes.pictures],
            built[seen + shapes.pictures :],
            notes=self.notes,
            outputs=shapes.outputs,
            dropout=self.dropout,
        )

    def _readers(self, shapes: Shapes) -> list[tuple[Architecture, Shapes]]:
        """The network for the plain columns, if there are any, then one for each text, picture and sound."""
        notes = replace(shapes, outputs=self.notes)
        heard = replace(notes, width=shapes.frames)
        plain = [(self._plain_reader(), notes)] if shapes.numbers or shapes.categories else []
        return [
            *plain,
            *[(self._text_reader(), notes)] * shapes.texts,
            *[(self._picture_reader(), notes)] * shapes.pictures,
            *[(self._sound_reader(), heard)] * shapes.sounds,
        ]

    def _plain_reader(self) -> Architecture:
        width = 2 * self.notes
        return MLPSettings(
            hidden_sizes=f"{width}", activation="silu", dropout=self.dropout, number_width=self.number_width
        )

    def _text_reader(self) -> Architecture:
        if self.text_reader == "transformer":
            return TextTransformerSettings(layers=1, width=64, dropout=self.dropout, word_dropout=self.dropout)
        return TextBagSettings(width=self.notes, buckets=0, dropout=self.dropout, word_dropout=self.dropout)

    def _sound_reader(self) -> Architecture:
        return AudioCNNSettings(
            filters=max(4, self.filters // 2), dropout=self.dropout, bands=self.bands, seconds=self.seconds
        )

    def _picture_reader(self) -> Architecture:
        return CNNSettings(
            filters=self.filters, hidden=2 * self.notes, dropout=self.dropout, image_size=self.image_size
        )
