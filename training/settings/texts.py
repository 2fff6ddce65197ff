"""Settings that all networks for texts share, with their limits and help, and presets that go by the texts."""

from __future__ import annotations

from typing import Annotated, Literal, Self, TypeAlias

from pydantic import Field

from training.architectures import Architecture, Facts
from training.recipes import Preset, Recipe

PLACES = 16_384
"""Rows of the table of looks of words; those that fall on one row share it. Row 0 is for tokens that are no words."""
LOOKS = 7
"""What is seen of each word: itself whatever its case, how it begins and ends, and its shape."""

VocabularyKind: TypeAlias = Annotated[
    Literal["words", "byte-pairs", "characters"],
    Field(
        title="Tokens",
        description="Read whole words, pieces of words (byte pairs), or letters. Chinese is always read sign by sign.",
    ),
]
VocabularySize: TypeAlias = Annotated[
    int, Field(ge=100, le=500_000, title="Vocabulary", description="How many different tokens are learnt at most.")
]
TextLength: TypeAlias = Annotated[
    int,
    Field(ge=4, le=8192, title="Longest text", description="Tokens that are read at a time; the rest is cut off."),
]
Dropout: TypeAlias = Annotated[
    float,
    Field(ge=0, le=0.9, title="Dropout", description="Share of numbers switched off at random while learning."),
]
Counted: TypeAlias = Annotated[
    bool,
    Field(
        title="Build on counted words",
        description=(
            "Starts from a linear model over counted words and letter groups and learns what it misses "
            "(where a text gets one answer as a whole)."
        ),
    ),
]
Spelled: TypeAlias = Annotated[
    bool,
    Field(
        title="Look at the letters",
        description=(
            "Also sees how each word begins and ends and which letters are large, and so knows words by their looks "
            "that it has never read (where every word gets an answer)."
        ),
    ),
]
CHARACTERS_PER_TOKEN, BESIDE = 5.0, 16.0
"""Of usual texts; and tokens beside a text: marks, or a question."""
WHOLE_TEXTS = ("text-classification", "text-multilabel", "text-regression")
"""Tasks with one answer for the text."""
EACH_TOKEN = ("token-classification", "question-answering")
"""Tasks with an answer for every token."""


class ReaderFromNothing(Architecture):
    """What every network has that reads texts and starts from nothing."""

    vocabulary: VocabularyKind = "words"
    vocabulary_size: VocabularySize = 20_000
    length: TextLength = 256
    dropout: Dropout = 0.3
    word_dropout: float = Field(
        0.1, ge=0, le=0.9, title="Word dropout", description="Share of words left out at random while learning."
    )
    counted: Counted = False

    @classmethod
    def for_whole_texts(cls, preset: Preset, facts: Facts, *, dropout: float = 0.5, **own: object) -> Self:
        """Settings that suit such texts, built on counted words."""
        length = expected_length(facts.characters, most={"quick": 128, "balanced": 256, "thorough": 512}[preset])
        usual = {"length": length, "dropout": dropout, "word_dropout": 0.2, "counted": True}
        return cls.model_validate(usual | own)

    @classmethod
    def for_tokens(cls, task: str, preset: Preset, **own: object) -> Self:
        """Settings for an answer to every token: words with their looks; names must be known without their words."""
        usual = {"length": token_length(task, preset), "spelled": True}
        left_out = {"word_dropout": 0.3} if task == "token-classification" else {}
        return cls.model_validate(usual | left_out | own)


def expected_length(characters: float, *, most: int) -> int:
    """Tokens that take in nearly all of texts with so many characters on average: twice the mean, in steps of 32."""
    tokens = 2 * characters / CHARACTERS_PER_TOKEN
    return min(most, max(64, 32 * round(tokens / 32))) if characters else most


def affordable_epochs(epochs: float, facts: Facts, length: int, *, tokens: float) -> float:
    """So many epochs, or what reads about so many tokens where that is less; at least a twentieth of one."""
    each = min(float(length), facts.characters / CHARACTERS_PER_TOKEN + BESIDE) if facts.characters else length
    return round(max(0.05, min(epochs, tokens / (max(1, facts.rows) * each))), 2)


def on_counted_words(rows: int, preset: Preset, *, lr: float) -> Recipe:
    """The recipe of a reader that builds on counted words: short, for what it can add is soon learnt by heart.

    With 4,500 short messages the held-out loss of a run of eleven rounds was lowest after the second.
    """
    steps = {"quick": 200, "balanced": 500, "thorough": 1000}[preset]
    batch_size = 32 if rows < 20_000 else 64
    return Recipe(
        epochs=round(min(10.0, max(1.0, steps * batch_size / max(1, rows))), 1),
        batch_size=batch_size,
        lr=lr,
        weight_decay=0.05,
        schedule="cosine",
        warmup=0.1,
        clip_norm=1.0,
        evaluations={"quick": 4, "balanced": 8, "thorough": 12}[preset],
    )


def for_each_token(task: str, rows: int, preset: Preset, *, lr: float) -> Recipe:
    """The recipe of a reader that starts from nothing and answers for every token.

    Sentences are short and names in them rare: it takes a thousand steps until the first one is found. Soon after, they
    are known by heart, so that their weights are averaged, and more time is for more networks.
    """
    steps = {"quick": 300, "balanced": 1000, "thorough": 3000}[preset]
    names = task == "token-classification"
    if names:
        steps = {"quick": 1000, "balanced": 2000, "thorough": 2500}[preset]
    batch_size = 16 if rows < 20_000 else 32
    return Recipe(
        epochs=round(min(30.0, max(1.0, steps * batch_size / max(1, rows))), 1),
        batch_size=batch_size,
        lr=lr,
        weight_decay=0.02,
        schedule="cosine",
        warmup=0.1,
        clip_norm=1.0,
        average="ema" if names else "none",
        class_weights="balanced" if names else "none",
        ensemble=3 if names and preset == "thorough" else 1,
        evaluations={"quick": 4, "balanced": 8, "thorough": 12}[preset],
    )


def token_length(task: str, preset: Preset) -> int:
    """Tokens to read at a time: sentences are short; passages are read in windows of this length."""
    if task == "token-classification":
        return 128
    return {"quick": 128, "balanced": 192, "thorough": 256}[preset]
