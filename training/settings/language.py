"""Settings that all language models from scratch share, with their limits and help."""

from __future__ import annotations

from typing import Annotated, Literal, TypeAlias

from pydantic import Field

TokenKind: TypeAlias = Annotated[
    Literal["characters", "byte-pairs"],
    Field(
        title="Tokens",
        description="Read character by character, or in pieces of words (byte pairs), which needs more text.",
    ),
]
Pack: TypeAlias = Annotated[
    bool,
    Field(
        title="Pack conversations",
        description="Short conversations share a row, in which each sees only itself: the same result, and hardly "
        "anything is filled up.",
    ),
]
TokenCount: TypeAlias = Annotated[
    int, Field(ge=260, le=200_000, title="Vocabulary", description="How many different tokens are learnt at most.")
]
