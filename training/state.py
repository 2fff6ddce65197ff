"""One training between two steps: what it holds, and how it tells, saves and settles that."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from torch import nn

from training.checkpoint import Position, save_checkpoint, take_state, trained_state
from training.curves import Clock, Curves
from training.device import Device
from training.errors import TrainingError
from training.events import Checkpoint, Event, Stopped
from training.objectives import Objective
from training.recipes import Recipe
from training.techniques.averaging import Averaging
from training.techniques.bagging import Bag
from training.techniques.crew import Crew
from training.techniques.optimizers import Optimizers


@dataclass
class Training:
    """Everything that one training holds between two steps."""

    recipe: Recipe
    device: Device
    objective: Objective
    model: nn.Module
    optimizers: Optimizers
    position: Position
    steps: int
    clock: Clock
    curves: Curves
    crew: Crew = field(default_factory=Crew)
    averaging: Averaging | None = None
    bag: Bag | None = None
    seconds: float = 0.0
    """Time spent when the last step was done, the same in every process of the crew."""
    seen: int = 0
    """Examples since the throughput was last told."""

    @property
    def is_done(self) -> bool:
        """Whether every step is taken, or it ends before."""
        return self.position.step >= self.steps or self.ends_early

    @property
    def ends_early(self) -> bool:
        """Whether the time is over, or early stopping has seen enough."""
        return self.has_stalled or self.moment >= self.steps > self.position.step

    @property
    def moment(self) -> int:
        """The step it stands at; with a time limit, the one it would stand at if all steps filled that time."""
        step = self.position.step
        if self.recipe.minutes:
            step = max(step, math.floor(self.steps * self.seconds / (60 * self.recipe.minutes)))
        return min(step, self.steps)

    @property
    def has_stalled(self) -> bool:
        """Whether so many evaluations brought nothing that the recipe's patience is over."""
        return 0 < self.recipe.patience <= self.position.worse


def pause(training: Training, folder: Path) -> Iterator[Event]:
    """Tell what is not told yet, and leave a checkpoint to go on from."""
    yield tell(training)
    yield save(training, folder)
    yield Stopped(step=training.position.step)


def settle_weights(training: Training) -> None:
    """The training is over: note its time, and take averaged or best weights where they were kept."""
    training.position.seconds = training.clock.seconds()
    if training.averaging:
        training.averaging.settle()
    if training.position.best_weights:
        training.model.load_state_dict(training.position.best_weights, strict=False)


def tell(training: Training) -> Event:
    """The points since the last time; raises Diverged if a loss among them is not a number."""
    position, curves = training.position, training.curves
    if training.seen:
        curves.add("system/examples_per_second", position.step, training.seen / max(1e-9, curves.since_flush()))
        curves.add("system/memory_mb", position.step, training.device.memory_mb())
        training.seen = 0
    progress = curves.flush(position.step, position.epoch + position.share)
    losses = progress.points.get("train/loss")
    for step, value in zip(losses.steps, losses.values, strict=True) if losses else ():
        if not math.isfinite(value):
            raise Diverged(step)
    return progress


def save(training: Training, folder: Path) -> Event:
    """Write a checkpoint of this very moment; in a crew the leader does."""
    training.position.seconds = training.clock.seconds()
    state = take_state(training.model, training.optimizers, training.position, training.device)
    if training.crew.leads:
        save_checkpoint(folder, state)
    return Checkpoint(step=training.position.step)


def compare(position: Position, loss: float, model: nn.Module, *, keep: bool) -> None:
    """Note whether this evaluation is the best so far, and keep its weights if early stopping will want them."""
    if loss < position.best_loss:
        position.best_loss, position.best_step, position.worse = loss, position.step, 0
        if keep:
            position.best_weights = {name: value.detach().clone() for name, value in trained_state(model).items()}
    else:
        position.worse += 1


class Diverged(TrainingError):
    """The loss is no longer a number."""

    def __init__(self, step: int) -> None:
        super().__init__(
            f"The loss is not a number at step {step}.", "Try a learning rate ten times lower.", code="diverged"
        )
        self.step = step
