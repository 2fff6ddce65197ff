"""Networks compiled into faster code, where that pays."""

from __future__ import annotations

import time

import torch
from torch import nn

from training.device import Device
from training.events import Warning
from training.objectives import Objective
from training.order import epoch_order
from training.recipes import Recipe
from training.techniques.probe import unharmed

LONG_SECONDS = 600
"""Compiling takes about a minute and saves about a quarter: from so long a training on it pays back three times."""


def compile_where_it_pays(
    model: nn.Module, objective: Objective, recipe: Recipe, device: Device, steps: int
) -> Warning | None:
    """Compile the network if the recipe says so, or on a GPU if the training is long; a note if that cannot be done.

    Ansel et al., "PyTorch 2: faster machine learning through dynamic Python bytecode transformation and graph
    compilation", 2024, https://doi.org/10.1145/3620665.3640366
    """
    if recipe.compile == "off" or (recipe.compile == "auto" and device.torch.type != "cuda"):
        return None
    if recipe.compile == "auto" and steps * _seconds(model, objective, recipe, device) < LONG_SECONDS:
        return None
    torch.compiler.reset()  # what an earlier network of this process left
    torch.compiler.set_stance("default")
    torch._dynamo.config.suppress_errors = False
    model.compile()
    try:
        _seconds(model, objective, recipe, device)
    except RuntimeError as error:  # of the many kinds that compilers raise, all are this one
        if isinstance(error, torch.OutOfMemoryError):
            raise
        torch.compiler.set_stance("force_eager")
        reason = str(error).strip().splitlines()[0][:200]
        return Warning(message="The network could not be compiled; it is trained as it is.", hint=reason)
    torch._dynamo.config.suppress_errors = True  # what a later batch of another shape brings is computed as it is
    return None


def _seconds(model: nn.Module, objective: Objective, recipe: Recipe, device: Device) -> float:
    """What one step takes; the first call is left out, which allocates or compiles."""
    indices = objective.epoch(epoch_order(recipe.seed, 0), recipe.batch_size)[0]
    with unharmed(model):
        for _ in range(2):
            started = time.perf_counter()
            with device.autocast():
                loss = objective.loss(model, indices, 0)
            loss.backward()
            loss.item()  # waits for the device
    return time.perf_counter() - started
