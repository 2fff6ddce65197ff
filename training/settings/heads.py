"""What the settings of every network that looks with several heads must keep to."""

from __future__ import annotations

from typing import Protocol, TypeVar


class HasHeads(Protocol):
    """Settings of such a network."""

    @property
    def width(self) -> int:
        """Numbers that describe each token."""

    @property
    def heads(self) -> int:
        """Things it can look for at the same time."""


Settings = TypeVar("Settings", bound=HasHeads)


def heads_share_width(settings: Settings) -> Settings:
    """Raise ValueError unless every head gets as many of a token's numbers."""
    if settings.width % settings.heads:
        raise ValueError(f"The width {settings.width} cannot be shared evenly by {settings.heads} heads. Change one.")
    return settings


def heads_share_pairs(settings: Settings) -> Settings:
    """Raise ValueError unless every head gets as many pairs of numbers: rotary positions turn them in pairs."""
    if settings.width % (2 * settings.heads):
        raise ValueError(f"The width must be a multiple of twice the heads, here of {2 * settings.heads}.")
    return settings
