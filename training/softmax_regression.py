"""Multinomial logistic regression in full batches: the linear baseline."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F


def fit_softmax_regression(
    features: Tensor, classes: Tensor, outputs: int, *, decay: float = 0.01, iterations: int = 60
) -> Callable[[Tensor], NDArray[np.float64]]:
    """Fit features (n, D) around 0 to class numbers (n,); gives a function from features to probabilities (n, outputs).

    Minimises mean cross-entropy plus `decay` / 2 times the squared weights by L-BFGS, from zero: no randomness.
    """
    weights = torch.zeros(outputs, features.size(1) + 1, device=features.device, requires_grad=True)
    inputs = _with_one(features)
    solver = torch.optim.LBFGS([weights], max_iter=iterations, history_size=10, line_search_fn="strong_wolfe")

    def objective() -> Tensor:
        solver.zero_grad()
        loss = F.cross_entropy(inputs @ weights.T, classes) + decay / 2 * weights[:, :-1].square().sum()
        loss.backward()
        return loss

    with torch.enable_grad():
        solver.step(objective)
    fitted = weights.detach()
    return lambda unseen: (_with_one(unseen) @ fitted.T).double().softmax(dim=1).cpu().numpy()


def _with_one(features: Tensor) -> Tensor:
    return torch.cat([features, features.new_ones(len(features), 1)], dim=1)
