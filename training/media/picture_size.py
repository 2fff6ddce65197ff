"""How large pictures are when a network sees them. No torch: the website estimates with it too."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from training.architectures import Shapes

SMALLEST = 16
"""Pixels of the longer side up to which smaller pictures are enlarged: networks halve the side several times."""
LARGEST = 64
"""Pixels of the longer side that pictures keep unless the settings say otherwise."""

SMALL_SIDE = 0.7
"""Side of a picture where a training begins with small ones, as a share of its own."""

IMAGE_SIZE: int = Field(
    0,
    ge=0,
    le=512,
    title="Picture size",
    description=f"Pixels of the longer side the network sees; 0 keeps the pictures' own, up to {LARGEST}. "
    "Twice as many take four times as long.",
)
"""The setting that every architecture for pictures has as `image_size`."""


def fit_pictures(shapes: Shapes, image_size: int) -> Shapes:
    """The shapes with height and width as the network sees them, proportions kept; the second time changes nothing."""
    longer = max(shapes.height, shapes.width)
    side = max(SMALLEST, image_size or min(longer, LARGEST))
    height, width = (max(SMALLEST // 2, round(length * side / longer)) for length in (shapes.height, shapes.width))
    return replace(shapes, height=height, width=width)
