"""Looking for the learning rate: a short trial in which it rises, before the training itself."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import torch
from torch import Tensor, nn

from training.checkpoint import trained_state
from training.device import Device, choose_device
from training.errors import TrainingError
from training.events import Points
from training.examples import read_examples
from training.lesson import build_network
from training.objectives import OBJECTIVES, Objective
from training.order import epoch_order
from training.pretrained.transfer import take_over
from training.recipes import Recipe
from training.spec import TrainSpec
from training.techniques.optimizers import Optimizers, build_optimizers

LOWEST, HIGHEST, TRIES = 1e-6, 10.0, 100
SMOOTHING = 0.9
"""How much of the smoothed loss is kept at each try."""
DIVERGED = 4.0
"""The trial ends once the smoothed loss is so many times its lowest."""


@dataclass
class Trial:
    """The rates that were tried, rising, and the smoothed loss that each began with."""

    rates: list[float] = field(default_factory=list)
    losses: list[float] = field(default_factory=list)

    @property
    def lr(self) -> float:
        """The rate to train with: the first at which the loss was half-way down to its lowest.

        There it falls fastest; the lowest loss itself stands where it is about to grow again.
        """
        middle = (self.losses[0] + min(self.losses)) / 2
        return next(rate for rate, loss in zip(self.rates, self.losses, strict=True) if loss <= middle)

    @property
    def sentence(self) -> str:
        """What was found, in words."""
        return f"The learning rate is {self.lr:.2g}: there the loss fell fastest in a trial of {len(self.rates)} steps."

    def points(self) -> dict[str, Points]:
        """The trial as two curves over the number of the try."""
        curves = {"finder/trial_loss": self.losses, "finder/trial_lr": self.rates}
        tries = range(1, len(self.rates) + 1)
        return {
            name: Points(steps=[*tries], seconds=[0.0] * len(tries), values=values) for name, values in curves.items()
        }


def try_rates(model: nn.Module, objective: Objective, recipe: Recipe, device: Device) -> Trial:
    """Train for up to 100 steps with a rate that rises from a millionth to 10, and put everything back.

    Weights and random state are afterwards as they were; a second rate, where the optimiser has one, rises with it.
    Smith, "Cyclical learning rates for training neural networks", 2017, https://arxiv.org/abs/1506.01186
    """
    before = {name: value.clone() for name, value in trained_state(model).items()}
    optimizers = build_optimizers(model, recipe, scaled=device.dtype is torch.float16)
    trial = Trial()
    model.train()
    with torch.random.fork_rng():
        mean = 0.0
        for number, indices in zip(range(TRIES), _batches(objective, recipe), strict=False):
            rate = LOWEST * (HIGHEST / LOWEST) ** (number / (TRIES - 1))
            optimizers.scale_lr(rate / recipe.lr)
            mean = SMOOTHING * mean + (1 - SMOOTHING) * _step(model, objective, optimizers, recipe, device, indices)
            loss = mean / (1 - SMOOTHING ** (number + 1))  # as if all tries before the first had been like it
            if not math.isfinite(loss) or loss > DIVERGED * min(trial.losses, default=math.inf):
                break
            trial.rates.append(rate)
            trial.losses.append(loss)
    model.load_state_dict(before, strict=False)
    return trial


def trial_of(spec: TrainSpec, folder: Path) -> Trial:
    """Prepare what the spec describes, with `folder` for files, and try rates on it.

    Raises TrainingError where nothing is learnt in steps.
    """
    device = choose_device(spec.recipe)
    objective = OBJECTIVES[spec.task](spec, read_examples(spec, folder), device, folder)
    model = build_network(spec, objective, device)
    if spec.network().fit(model, objective, spec.recipe) is not None:
        raise TrainingError("This is learnt without a learning rate.", "Just train it.", code="no_rate")
    if spec.start_from:
        take_over(model, spec, objective.preparation())
    return try_rates(model, objective, spec.recipe, device)


def at_rate(recipe: Recipe, lr: float) -> Recipe:
    """The recipe with this learning rate; that of the rest keeps its proportion."""
    return recipe.model_copy(update={"lr": lr, "side_lr": recipe.side_lr * lr / recipe.lr})


def _batches(objective: Objective, recipe: Recipe) -> Iterator[Tensor]:
    for epoch in count():
        yield from objective.epoch(epoch_order(recipe.seed, epoch), recipe.batch_size)


def _step(
    model: nn.Module, objective: Objective, optimizers: Optimizers, recipe: Recipe, device: Device, indices: Tensor
) -> float:
    with device.autocast():
        loss = objective.loss(model, indices, 0)
    optimizers.backward(loss)
    optimizers.unscale()
    if recipe.clip_norm:
        nn.utils.clip_grad_norm_(model.parameters(), recipe.clip_norm)
    optimizers.step()
    return loss.item()
