"""What a linear model says, as a formula in the units of its columns."""

from __future__ import annotations

import numpy as np
from pydantic import JsonValue

from training.measures import Floats

MOST_WEIGHTS = 12
"""Weights that are told."""


def formula_of(
    weights: Floats, bias: float, inputs: tuple[list[str], Floats, Floats], *, center: float, scale: float
) -> dict[str, JsonValue]:
    """The constant, and the weights that move most, by what they are called.

    weights: (inputs,) and bias of a model of the target less `center`, divided by `scale`. inputs: names, and the scale
    and centre (inputs,) that were taken out of each.
    """
    names, scales, centres = inputs
    moves = weights * scale
    most = np.argsort(-np.abs(moves), kind="stable")[:MOST_WEIGHTS]
    facts: dict[str, JsonValue] = {"Constant": center + scale * bias - float((moves / scales) @ centres)}
    return facts | {f"Weight of {names[at]}": float(moves[at] / scales[at]) for at in most}
