"""Linear models found exactly: least squares in closed form, logistic regression to its optimum."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from training.architectures import Round, Rounds
from training.models.mlp import MLP
from training.models.softmax_regression import softmax_rounds

if TYPE_CHECKING:
    from training.objectives.tabular import Table


def fit_linear(model: MLP, table: Table, *, decay: float, iterations: int) -> Rounds:
    """Give a network without hidden layers the weights with the smallest loss on the train part.

    `decay` punishes the squared weights of the scaled columns; the bias is free of it.
    """
    with torch.no_grad():
        inputs = model.read(table.numbers["train"], table.codes["train"]).double()
    targets = table.targets["train"]
    if targets.is_floating_point():
        weights, bias = least_squares(inputs, targets.double(), decay)
        _set(model, weights[None], bias[None])
        errors = inputs @ weights + bias - targets
        yield _told(model, table, float(errors.square().mean()))
        return
    outputs = model.head.out_features
    for fitted, loss in softmax_rounds(inputs, targets, outputs, decay=decay, iterations=iterations):
        _set(model, fitted[:, :-1], fitted[:, -1])
        yield _told(model, table, loss)


def least_squares(inputs: Tensor, targets: Tensor, decay: float = 0.0) -> tuple[Tensor, Tensor]:
    """Weights (D,) and bias () with the smallest mean squared error plus `decay` times the squared weights.

    Solves the normal equations of `inputs` (n, D) and `targets` (n,); where many answers are equally good, takes the
    one with the smallest weights. Gauss, "Theoria motus", 1809; Hoerl and Kennard, "Ridge regression", 1970.
    """
    centre, level = inputs.mean(0), targets.mean()
    apart = inputs - centre
    gram = apart.T @ apart / len(inputs) + decay * torch.eye(inputs.shape[1], dtype=inputs.dtype, device=inputs.device)
    weights = torch.linalg.pinv(gram, hermitian=True) @ (apart.T @ (targets - level) / len(inputs))
    return weights, level - centre @ weights


@torch.no_grad()
def _set(model: MLP, weights: Tensor, bias: Tensor) -> None:
    model.head.weight.copy_(weights)
    model.head.bias.copy_(bias)


def _told(model: MLP, table: Table, loss: float) -> Round:
    return {"train/loss": loss} | {f"val/{name}": value for name, value in table.evaluate(model, "val").items()}
