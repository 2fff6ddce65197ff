"""Settings that all networks share which read one text and write another, and presets that go by the pairs."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

from training.architectures import Facts
from training.recipes import Preset

PAIRED = ("translation", "summarization")
"""Tasks in which one text is read and another one written."""

PieceCount: TypeAlias = Annotated[
    int,
    Field(
        ge=300,
        le=200_000,
        title="Vocabulary",
        description="How many pieces of words (byte pairs) are learnt at most, for both sides together.",
    ),
]
PairLength: TypeAlias = Annotated[
    int,
    Field(ge=4, le=4096, title="Longest text", description="Tokens that are read or written; the rest is cut off."),
]
CHARACTERS_PER_PIECE = 4.0


def expected_pieces(facts: Facts) -> int:
    """Pieces that so many pairs can teach: enough to keep usual words whole, so few that each is seen often."""
    return 1000 if facts.rows < 2_000 else 4000 if facts.rows < 100_000 else 8000


def pair_length(preset: Preset, task: str, facts: Facts) -> int:
    """Tokens that take in nearly all texts: three times the mean, between 32 and what the preset can afford."""
    most = {"quick": 128, "balanced": 256, "thorough": 512}[preset]
    tokens = 3 * facts.characters / CHARACTERS_PER_PIECE
    return min(most, max(32, 32 * round(tokens / 32))) if tokens else 64


def epochs_of_pairs(preset: Preset, facts: Facts) -> float:
    """Epochs that show the network about so many pairs; at least 1, at most 60."""
    shown = {"quick": 30_000, "balanced": 90_000, "thorough": 400_000}[preset]
    return round(min(60.0, max(1.0, shown / max(1, facts.rows))), 1)
