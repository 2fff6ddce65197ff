"""Averages of the weights over the course of a training, which are judged and kept in place of the last ones."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from training.checkpoint import Position, trained_state
from training.recipes import Recipe


class Averaging:
    """Takes in the weights after each correction; running means of normalisation layers are averaged with them.

    "ema" forgets old weights: Polyak and Juditsky, "Acceleration of stochastic approximation by averaging", 1992, with
    the slow start of Tarvainen and Valpola, "Mean teachers are better role models", 2017, so that it soon forgets the
    random beginning. "swa" counts all weights of the last part of the training alike: Izmailov et al., "Averaging
    weights leads to wider optima", 2018, https://arxiv.org/abs/1803.05407. The averages are kept in `position`, and so
    in every checkpoint.
    """

    def __init__(self, model: nn.Module, recipe: Recipe, position: Position, steps: int) -> None:
        self._live = {name: value for name, value in trained_state(model).items() if value.is_floating_point()}
        self._position = position
        self._decay = recipe.ema_decay if recipe.average == "ema" else None
        self._from = 0 if recipe.average == "ema" else round(steps * (1 - recipe.swa_share))

    @torch.no_grad()
    def take(self, moment: int) -> None:
        """Take in the weights as they are after the step `moment`."""
        position = self._position
        if not position.averages:
            if moment > self._from:
                position.averages = {name: value.clone() for name, value in self._live.items()}
                position.averaged = 1
            return
        averages, live = list(position.averages.values()), list(self._live.values())
        torch._foreach_lerp_(averages, live, self._share(position.averaged))
        position.averaged += 1

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Inside, the model has the averages for its weights; it keeps its own before the first is taken."""
        own = {name: value.clone() for name, value in self._live.items()}
        self.settle()
        try:
            yield
        finally:
            self._fill(own)

    def settle(self) -> None:
        """Give the model the averages for good."""
        self._fill(self._position.averages)

    def _share(self, taken: int) -> float:
        """How much the newest weights count beside those taken before."""
        if self._decay is None:
            return 1 / (taken + 1)
        return 1 - min(self._decay, (1 + taken) / (10 + taken))

    @torch.no_grad()
    def _fill(self, values: dict[str, Tensor]) -> None:
        for name, value in values.items():
            self._live[name].copy_(value)
