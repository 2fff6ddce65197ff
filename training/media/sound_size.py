"""How long and how fine sounds are for a network. No torch: the website estimates with it too."""

from __future__ import annotations

from dataclasses import replace

from pydantic import Field

from training.architectures import Shapes
from training.recipes import Recipe
from training.settings.presets import epochs_for

FRAMES_PER_SECOND = 100
LONGEST = 10.0
"""Seconds of a sound that are heard unless the settings say otherwise."""
FEWEST_FRAMES = 32
WAVE = 1
"""Bands of a network that hears the wave itself, sample by sample."""
WAVE_RATE = 16_000
"""Samples per second that such networks have learnt with."""

BANDS: int = Field(
    64, ge=16, le=256, title="Pitches", description="Bands that the sound is divided into, from low to high."
)
"""The setting that every architecture for sounds has as `bands`."""
SECONDS: float = Field(
    0.0,
    ge=0,
    le=60,
    title="Seconds heard",
    description=f"Longer sounds are cut to their middle; 0 hears as much as most sounds have, up to {LONGEST:.0f}.",
)
"""The setting that every architecture for sounds has as `seconds`."""


def recipe_for_sounds(rows: int, *, passes: int, lr: float, clip_norm: float = 0.0) -> Recipe:
    """The recipe of a network for sounds that starts from nothing."""
    return Recipe(
        epochs=epochs_for(passes, rows, most=12.0),
        batch_size=min(64, max(16, rows // 40)),
        lr=lr,
        weight_decay=0.01,
        schedule="cosine",
        warmup=0.1,
        clip_norm=clip_norm,
        label_smoothing=0.1,
        evaluations=10,
    )


def fit_sounds(shapes: Shapes, *, bands: int, seconds: float) -> Shapes:
    """The shapes as the network hears them: height is bands, width is frames of 10 ms; idempotent."""
    longest = round((seconds or LONGEST) * FRAMES_PER_SECOND)
    return replace(shapes, channels=1, height=bands, width=max(FEWEST_FRAMES, min(shapes.width, longest)))
