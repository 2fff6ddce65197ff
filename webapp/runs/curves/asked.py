"""What a reader asks of a curve, known on both sides of `core.apart`: it needs neither Django nor numpy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

Axis: TypeAlias = Literal["step", "epoch", "seconds"]
AXES: tuple[Axis, ...] = ("step", "epoch", "seconds")

BUCKET = 64
"""Points of which the coarse level keeps the lowest and the highest."""


@dataclass(frozen=True)
class Asked:
    """One curve that somebody wants to see, packed as it lies in the database."""

    coarse: bytes
    """The coarse level of its full chunks, one after the other, if that is enough for what is asked."""
    chunks: list[bytes]
    """Every point of its other chunks."""
    count: int
    """Points in all."""
    epochs_per_step: float = 0.0
