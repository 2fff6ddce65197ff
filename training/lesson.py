"""What is given to the training of one network, and what comes out of it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import torch
from torch import nn

from training.checkpoint import trained_state
from training.device import Device
from training.events import Event
from training.objectives import Initialises, Objective
from training.spec import TrainSpec
from training.techniques.bagging import Bag
from training.techniques.crew import Crew
from training.techniques.shards import gathered, is_shared_out


@dataclass(frozen=True)
class Lesson:
    """All that one network is taught with; the members of an ensemble differ in seed and examples only."""

    spec: TrainSpec
    objective: Objective
    device: Device
    crew: Crew
    folder: Path
    rows: dict[str, int]
    """Examples per part."""
    should_stop: Callable[[], bool]
    member: int = 0
    """Which network of an ensemble this is."""
    bag: Bag | None = None
    """The draw of examples that it learns from; None for each of them once an epoch."""


@dataclass(frozen=True)
class Taught:
    """A network that has learnt."""

    model: nn.Module
    device: Device
    """The device with the way of working that was chosen."""
    seconds: float
    facts: dict[str, float] = field(default_factory=dict)
    """What was found on the way that the report should say, by its title."""


Teaching: TypeAlias = Generator[Event, None, Taught | None]
"""The events of a training; it returns None if it was stopped before the end."""


def build_network(spec: TrainSpec, objective: Objective, device: Device) -> nn.Module:
    """The network with the fresh weights that the spec's seed gives it, on the device."""
    torch.manual_seed(spec.recipe.seed)
    model = spec.network().build(objective.shapes).to(device.torch)
    if isinstance(objective, Initialises):
        objective.initialise(model)
    return model


def whole_network(lesson: Lesson, model: nn.Module) -> nn.Module:
    """The network with all its weights in this process, to be judged and saved: itself, unless it is shared out."""
    if not is_shared_out(model):
        return model
    network = lesson.spec.network().build(lesson.objective.shapes)
    network.load_state_dict(gathered(trained_state(model)), strict=False)
    return network.to(lesson.device.torch)
