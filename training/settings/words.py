"""Settings that all kinds of word vectors share, with their limits and help, and how long to learn."""

from __future__ import annotations

from typing import Annotated, TypeAlias

from pydantic import Field

VectorWidth: TypeAlias = Annotated[
    int, Field(ge=2, le=1024, title="Width", description="Numbers that describe each word.")
]
Reach: TypeAlias = Annotated[
    int,
    Field(
        ge=1,
        le=20,
        title="Window",
        description="How many words to either side count as company. Few: words of one kind; many: words of one topic.",
    ),
]
WordCount: TypeAlias = Annotated[
    int, Field(ge=100, le=500_000, title="Vocabulary", description="How many different words are kept at most.")
]
Rarest: TypeAlias = Annotated[
    int, Field(ge=1, le=1000, title="Rarest word", description="Words that occur less often are left out.")
]


def rarest_for(characters: float) -> int:
    """How often a word of a corpus of so many characters must occur to be known by its company."""
    return 1 if characters < 100_000 else 3 if characters < 2_000_000 else 5


def epochs_for_words(millions: float, characters: float) -> float:
    """Epochs that read about so many million characters; at least 1, at most 30."""
    return round(min(30.0, max(1.0, 1e6 * millions / max(1.0, characters))), 1)
