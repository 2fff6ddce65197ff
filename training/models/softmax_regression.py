"""Multinomial logistic regression in full batches: a linear architecture, and the linear baseline of pictures."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

TOLERANCE = 1e-8
"""The loss of two rounds differs by less: it is done."""


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
    """After each iteration of L-BFGS, from zero and without randomness: weights (outputs, D + 1) and the loss in nats.

    Minimises mean cross-entropy plus `decay` / 2 times the squared weights; the last column of the weights is the bias,
    which is not decayed. Liu and Nocedal, "On the limited memory BFGS method", 1989, doi:10.1007/BF01589116
    """
    weights = torch.zeros(outputs, features.size(1) + 1, dtype=features.dtype, device=features.device).requires_grad_()
    inputs = _with_one(features)
    solver = torch.optim.LBFGS(
        [weights], max_iter=1, max_eval=25, history_size=10, line_search_fn="strong_wolfe", tolerance_grad=1e-8
    )

    def objective() -> Tensor:
        solver.zero_grad()
        loss = F.cross_entropy(inputs @ weights.T, classes) + decay / 2 * weights[:, :-1].square().sum()
        loss.backward()
        return loss

    before = math.inf
    for _ in range(iterations):
        with torch.enable_grad():
            loss = solver.step(objective).item()  # the loss that the iteration started from
        if before - loss < TOLERANCE:
            return
        before = loss
        with torch.no_grad():
            told = F.cross_entropy(inputs @ weights.T, classes)
        yield weights.detach().clone(), float(told)


def _with_one(features: Tensor) -> Tensor:
    return torch.cat([features, features.new_ones(len(features), 1)], dim=1)
