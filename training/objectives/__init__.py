"""What each task means in tensors: batches, loss, measures and report. One file per kind of data."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from training.architectures import Shapes
from training.device import Device
from training.events import Sample, Surface, Warning
from training.examples import Examples, Part
from training.registry import Registry
from training.report import Report
from training.spec import TrainSpec


@dataclass(frozen=True)
class Guess:
    """What a baseline answers on the test part, in the same form as the model's own answers."""

    key: str
    title: str
    about: str
    answers: NDArray[np.float64] = field(default_factory=lambda: np.empty(0))
    """Probabilities (examples, classes), values (examples,), or mean nats per token (stretches,)."""
    texts: Sequence[str] = ()
    """What it writes, where answers are texts."""


@runtime_checkable
class Objective(Protocol):
    """One task on one data set, prepared for one device.

    The loop asks for index batches, a loss and measures; it knows nothing else of the task.
    """

    key: ClassVar[str]
    spec: TrainSpec
    """What it was made for; losses follow the recipe in it."""
    shapes: Shapes

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        """Learn from the train part all that the batches need (scales, vocabulary, labels), as float32 on the device.

        Writes tokenizers and the like into `model_folder`. Raises TrainingError for data that cannot be learnt.
        """

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        """Draw one epoch: int64 index batches that cover the train part once, in an order from `generator` alone."""

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        """Mean loss over the examples of one batch, differentiable; scalar, in nats for classes and tokens."""

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        """Loss and a few measures over one part, without touching torch's global random state."""

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample | Surface]:
        """What can be shown of the model at this moment: what a language model writes, how a plane is divided."""

    def baselines(self) -> list[Guess]:
        """Answers of the honest alternatives on the test part."""

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        """The report on the test part and one row per example, with columns id, row, truth, prediction, ..."""

    def preparation(self) -> dict[str, object]:
        """All that predicting needs besides weights, shapes and tokenizer, as JSON."""


@runtime_checkable
class Initialises(Protocol):
    """An objective that looks at the network before its first step; most leave the weights as they are drawn."""

    def initialise(self, model: nn.Module) -> None:
        """Set weights that are computed from the training data, or note what the network says before it learns."""


@runtime_checkable
class Warns(Protocol):
    """An objective that found something in the data that the person should know; training goes on."""

    def warnings(self) -> list[Warning]:
        """What to tell before the training starts."""


OBJECTIVES: Registry[type[Objective]] = Registry("objective", __name__)
