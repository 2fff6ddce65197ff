"""The device's way of working, tried on a real batch of the run at hand."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import nn

from training.device import Device, settle
from training.objectives import Objective
from training.order import epoch_order
from training.recipes import Recipe


def settle_on_a_batch(device: Device, recipe: Recipe, model: nn.Module, objective: Objective) -> Device:
    """Choose threads and precision on one real batch, leaving weights and random state as they were."""
    indices = objective.epoch(epoch_order(recipe.seed, 0), recipe.batch_size)[0]

    def work(plan: Device, share: float) -> None:
        _lay_out(model, plan)
        with plan.autocast():
            loss = objective.loss(model, indices[: max(2, round(share * len(indices)))], 0)
        loss.backward()

    with unharmed(model):
        chosen = settle(device, recipe, model, work)
    _lay_out(model, chosen)
    return chosen


@contextmanager
def unharmed(model: nn.Module) -> Iterator[None]:
    """Inside, the model can be tried in training mode; buffers, gradients and chance are afterwards as before."""
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.train()
    with torch.random.fork_rng():
        yield
    model.zero_grad(set_to_none=True)
    for name, buffer in model.named_buffers():
        buffer.copy_(before[name])


def _lay_out(model: nn.Module, device: Device) -> None:
    """Store filters the way the device reads them fastest, without gradients of another layout."""
    layout = torch.channels_last if device.channels_last else torch.contiguous_format
    for weight in [*model.parameters(), *model.buffers()]:
        if weight.ndim == 4:
            weight.data, weight.grad = weight.data.contiguous(memory_format=layout), None
