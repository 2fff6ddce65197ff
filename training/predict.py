"""Answers of a finished model: one predictor per task, found by what the model folder says of itself."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Protocol

from training.device import Device
from training.model_folder import read_config
from training.registry import Registry


class Predictor(Protocol):
    """A model ready to answer."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        """Load the model folder onto the device; raises TrainingError when it is not whole."""

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One answer per input; raises TrainingError that names what an input lacks."""


PREDICTORS: Registry[type[Predictor]] = Registry("predictor", "training.objectives")


def load_predictor(folder: Path, device: Device) -> Predictor:
    """The predictor of a model folder."""
    return PREDICTORS[str(read_config(folder)["task"])](folder, device)


def best_first(labels: Sequence[str], probabilities: Sequence[float]) -> dict[str, object]:
    """A classification's answer: the label, and every class with its probability, the likeliest first."""
    ordered = sorted(zip(labels, probabilities, strict=True), key=lambda pair: -pair[1])
    return {"label": ordered[0][0], "probabilities": dict(ordered)}
