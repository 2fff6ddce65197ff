"""Settings that all networks for texts share, with their limits and help, and presets that go by the texts."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

from training.recipes import Preset, Recipe

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
WordDropout: TypeAlias = Annotated[
    float,
    Field(ge=0, le=0.9, title="Word dropout", description="Share of words left out at random while learning."),
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
WHOLE_TEXTS = ("text-classification", "text-multilabel", "text-regression")
"""Tasks with one answer for the text."""
EACH_TOKEN = ("token-classification", "question-answering")
"""Tasks with an answer for every token."""


def expected_length(characters: float, *, most: int) -> int:
    """Tokens that take in nearly all of texts with so many characters on average: twice the mean, in steps of 32."""
    tokens = 2 * characters / 5
    return min(most, max(64, 32 * round(tokens / 32))) if characters else most


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


def for_each_token(rows: int, preset: Preset, *, lr: float) -> Recipe:
    """The recipe of a reader that starts from nothing and answers for every token."""
    steps = {"quick": 300, "balanced": 1000, "thorough": 3000}[preset]
    batch_size = 16 if rows < 20_000 else 32
    return Recipe(
        epochs=round(min(30.0, max(1.0, steps * batch_size / max(1, rows))), 1),
        batch_size=batch_size,
        lr=lr,
        weight_decay=0.02,
        schedule="cosine",
        warmup=0.1,
        clip_norm=1.0,
        evaluations={"quick": 4, "balanced": 8, "thorough": 12}[preset],
    )


def token_length(task: str, preset: Preset) -> int:
    """Tokens to read at a time: sentences are short; passages are read in windows of this length."""
    if task == "token-classification":
        return 128
    return {"quick": 128, "balanced": 192, "thorough": 256}[preset]
