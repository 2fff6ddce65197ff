"""What the presets of several architectures have in common."""

from __future__ import annotations

from typing import Literal

from training.recipes import Preset, Recipe

MANY_ROWS = 5_000
"""Rows of a table from which on another architecture, or a larger one, is better than for few."""


def epochs_for(passes: int, rows: int, *, most: float = 5.0) -> float:
    """The passes that suit 10,000 examples, up to `most` times as many for fewer of them, and fewer for more."""
    return float(round(passes * max(0.4, min(most, (10_000 / max(1, rows)) ** 0.5))))


def fine_tuning(preset: Preset, rows: int, *, batch_size: int, schedule: Literal["linear", "cosine"]) -> Recipe:
    """A recipe for pretrained networks that see or hear; quick teaches only the output layer, with a higher rate."""
    return Recipe(
        epochs=epochs_for({"quick": 1, "balanced": 3, "thorough": 8}[preset], rows),
        batch_size=batch_size,
        lr=1e-3 if preset == "quick" else 1e-4,
        weight_decay=0.01,
        schedule=schedule,
        warmup=0.1,
        clip_norm=1.0,
        evaluations={"quick": 2, "balanced": 4, "thorough": 8}[preset],
    )
