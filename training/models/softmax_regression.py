"""Multinomial logistic regression in full batches: a linear architecture, and the linear baseline of pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

TOLERANCE = 1e-8
"""The loss of two rounds differs by less: it is done."""
MOST_CURVED = 1_000
"""Weights up to which their whole curvature is computed: a few of Newton's steps cost less than hundreds of others."""
JITTER = 1e-9
"""Share of the mean curvature that is added, for directions in which the loss does not change."""
LEAST_JITTER = 1e-12
LEAST_SHARE = 2.0**-20
"""Of a step that makes the loss larger, at least so much is tried."""
ROWS_AT_ONCE = 65_536


def fit_softmax_regression(
    features: Tensor, classes: Tensor, outputs: int, *, decay: float = 0.01, iterations: int = 60
) -> Callable[[Tensor], NDArray[np.float64]]:
    """Fit features (n, D) around 0 to class numbers (n,); gives a function from features to probabilities."""
    fitted = features.new_zeros(outputs, features.size(1) + 1)
    for weights, _loss in softmax_rounds(features, classes, outputs, decay=decay, iterations=iterations):
        fitted = weights
    return lambda unseen: (_with_one(unseen) @ fitted.T).double().softmax(dim=1).cpu().numpy()


def softmax_rounds(
    features: Tensor, classes: Tensor, outputs: int, *, decay: float, iterations: int
) -> Iterator[tuple[Tensor, float]]:
    """After each iteration, from zero and without randomness: weights (outputs, D + 1) and the loss in nats.

    Minimises mean cross-entropy plus `decay` / 2 times the squared weights; the last column of the weights is the bias,
    which is not decayed. Few weights are found by Newton's method, many by L-BFGS.
    """
    few, inputs = outputs * (features.size(1) + 1) <= MOST_CURVED, _with_one(features)
    problem = _Problem(inputs.double() if few else inputs, classes, outputs, decay)
    before = math.inf
    for weights, loss in islice(_by_curvature(problem) if few else _by_gradients(problem), iterations):
        if before - loss < TOLERANCE:
            return
        before = loss
        yield weights.to(features.dtype), problem.surprise(weights)


@dataclass(frozen=True)
class _Problem:
    """What is minimised."""

    inputs: Tensor
    """With a column of ones at the end: (n, D + 1)."""
    classes: Tensor
    outputs: int
    decay: float

    def start(self) -> Tensor:
        """Weights (outputs, D + 1) that say nothing."""
        return self.inputs.new_zeros(self.outputs, self.inputs.size(1))

    def surprise(self, weights: Tensor) -> float:
        """Mean cross-entropy in nats."""
        with torch.no_grad():
            return float(F.cross_entropy(self.inputs @ weights.T, self.classes))

    def loss(self, weights: Tensor) -> Tensor:
        """The same plus the penalty."""
        penalty = self.decay / 2 * weights[:, :-1].square().sum()
        return F.cross_entropy(self.inputs @ weights.T, self.classes) + penalty

    def slope_and_curvature(self, weights: Tensor) -> tuple[Tensor, Tensor]:
        """Gradient (outputs * (D + 1),) and Hessian (the same, twice) of the loss."""
        width, last = self.inputs.size(1), self.outputs - 1
        slope, curvature = torch.zeros_like(weights), weights.new_zeros(self.outputs, width, self.outputs, width)
        pairs = [(one, other) for one in range(last) for other in range(one, last)]
        for inputs, classes in zip(self.inputs.split(ROWS_AT_ONCE), self.classes.split(ROWS_AT_ONCE), strict=True):
            chances = (inputs @ weights.T).softmax(dim=1)
            slope += (chances - F.one_hot(classes, self.outputs)).T @ inputs
            for one, other in pairs:
                bend = chances[:, one] * (float(one == other) - chances[:, other])
                curvature[one, :, other] += inputs.T @ (bend[:, None] * inputs)
        for one, other in pairs:
            curvature[other, :, one] = curvature[one, :, other]
        curvature[:last, :, last] = -curvature[:last, :, :last].sum(dim=2)  # probabilities add up to 1
        curvature[last, :, :last] = curvature[:last, :, last].transpose(0, 1)
        curvature[last, :, last] = -curvature[last, :, :last].sum(dim=1)
        decayed = self.decay * (torch.arange(width, device=weights.device) < width - 1)
        slope, curvature = slope / len(self.inputs) + decayed * weights, curvature.flatten(2).flatten(0, 1)
        return slope.flatten(), curvature / len(self.inputs) + decayed.repeat(self.outputs).diag()


def _by_curvature(problem: _Problem) -> Iterator[tuple[Tensor, float]]:
    """Newton's steps, shortened where they would overshoot: weights, and the loss at them.

    Nelder and Wedderburn, "Generalized linear models", 1972, https://doi.org/10.2307/2344614
    """
    weights = problem.start()
    with torch.no_grad():
        loss = float(problem.loss(weights))
        while True:
            slope, curvature = problem.slope_and_curvature(weights)
            curvature.diagonal().add_(JITTER * curvature.diagonal().mean() + LEAST_JITTER)
            factor = torch.linalg.cholesky(curvature)
            step = torch.cholesky_solve(slope[:, None], factor).view_as(weights)
            share = 1.0
            while (shorter := float(problem.loss(weights - share * step))) > loss and share > LEAST_SHARE:
                share /= 2
            weights, loss = weights - share * step, shorter
            yield weights, loss


def _by_gradients(problem: _Problem) -> Iterator[tuple[Tensor, float]]:
    """Iterations of L-BFGS: weights, and the loss that the iteration started from.

    Liu and Nocedal, "On the limited memory BFGS method", 1989, https://doi.org/10.1007/BF01589116
    """
    weights = problem.start().requires_grad_()
    solver = torch.optim.LBFGS(
        [weights], max_iter=1, max_eval=25, history_size=10, line_search_fn="strong_wolfe", tolerance_grad=1e-8
    )

    def objective() -> Tensor:
        solver.zero_grad()
        loss = problem.loss(weights)
        loss.backward()
        return loss

    while True:
        with torch.enable_grad():
            loss = solver.step(objective).item()
        yield weights.detach().clone(), loss


def _with_one(features: Tensor) -> Tensor:
    return torch.cat([features, features.new_ones(len(features), 1)], dim=1)
