"""The rules that correct the weights, and how large the corrections are over time."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor, nn, optim

from training.recipes import Recipe
from training.techniques.shards import own_part, whole


class Muon(optim.Optimizer):
    """Momentum whose update is made orthogonal by Newton-Schulz steps, for weights of two or more dimensions.

    Filters (out, in, h, w) are read as matrices (out, in*h*w); matrices of one shape are worked on together. Filters
    are also kept at a length of 1 on average, as in the CIFAR-10 records that Muon set: it turns them, no more. Where
    the network is shared out, every process makes whole matrices orthogonal and corrects its own part of them.
    Jordan et al., "Muon: An optimizer for hidden layers", 2024, https://kellerjordan.github.io/posts/muon/
    """

    def __init__(
        self, params: Iterable[Tensor], *, lr: float, momentum: float = 0.95, weight_decay: float = 0.0
    ) -> None:
        super().__init__(params, {"lr": lr, "momentum": momentum, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Correct every weight that has a gradient."""
        for group in self.param_groups:
            by_shape: dict[tuple[int, ...], list[Tensor]] = defaultdict(list)
            for weight in group["params"]:
                if weight.grad is not None:
                    by_shape[tuple(weight.shape)].append(weight)
            for weights in by_shape.values():
                self._correct(weights, group)

    def _correct(self, weights: list[Tensor], group: dict[str, float]) -> None:
        momentum = group["momentum"]
        for weight in weights:
            state = self.state[weight]
            if not state:
                state["momentum"] = torch.zeros_like(weight)
            state["momentum"].lerp_(weight.grad, 1 - momentum)
        directions = torch.stack(
            [whole(weight.grad.lerp(self.state[weight]["momentum"], momentum)).flatten(1) for weight in weights]  # type: ignore[union-attr]
        )
        updates = orthogonalise(directions)
        rows, columns = updates.shape[-2:]
        scale = max(1.0, rows / columns) ** 0.5
        for weight, update in zip(weights, updates, strict=True):
            if weight.ndim == 4:
                weight.mul_(rows**0.5 / weight.norm())
            weight.mul_(1 - group["lr"] * group["weight_decay"])
            weight.add_(own_part(update.view(weight.shape), weight), alpha=-group["lr"] * scale)


class Lion(optim.Optimizer):
    """Steps of one size in the direction that momentum and gradient agree on; `lr` about a tenth of AdamW's.

    Chen et al., "Symbolic discovery of optimization algorithms", 2023, https://arxiv.org/abs/2302.06675
    """

    def __init__(self, params: Iterable[Any], *, lr: float, betas: tuple[float, float] = (0.9, 0.99)) -> None:
        super().__init__(params, {"lr": lr, "betas": betas, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]
        """Correct every weight that has a gradient."""
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is not None:
                    self._correct(weight, group)

    def _correct(self, weight: Tensor, group: dict[str, Any]) -> None:
        state, (now, later) = self.state[weight], group["betas"]
        momentum = state.setdefault("momentum", torch.zeros_like(weight))
        assert weight.grad is not None
        direction = momentum.lerp(weight.grad, 1 - now).sign_()
        weight.mul_(1 - group["lr"] * group["weight_decay"])
        weight.add_(direction, alpha=-group["lr"])
        momentum.lerp_(weight.grad, 1 - later)


QUINTIC = (3.4445, -4.7750, 2.0315)
"""Coefficients of the Newton-Schulz iteration, tuned by the Muon post to lift small singular values fast."""
WIDE = 2
"""A matrix with more than so many columns a row is made orthogonal by way of its products of rows."""


def orthogonalise(matrices: Tensor, steps: int = 5) -> Tensor:
    """Nearest semi-orthogonal matrices, roughly: singular values end between 0.7 and 1.2. Shape (n, rows, columns).

    The quintic Newton-Schulz iteration of the Muon post.
    """
    a, b, c = QUINTIC
    x = matrices.bfloat16() if matrices.is_cuda else matrices
    tall = x.size(-2) > x.size(-1)
    if tall:
        x = x.mT
    x = x / (x.norm(dim=(-2, -1), keepdim=True) + 1e-7)
    if not x.is_cuda and x.size(-1) > WIDE * x.size(-2):
        x = _turning(x @ x.mT, steps) @ x
    else:
        for _ in range(steps):
            gram = x @ x.mT
            x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    found: Tensor = (x.mT if tall else x).to(matrices.dtype)
    return found


def _turning(gram: Tensor, steps: int) -> Tensor:
    """What the same iteration multiplies a matrix by in the end, from its products of rows (n, rows, rows) alone.

    Each step multiplies by a polynomial of the products and so changes them by its square; all these matrices commute.
    Without the columns, a step of a wide matrix costs a fraction. It needs float32: small singular values are squared.
    """
    a, b, c = QUINTIC
    eye = torch.eye(gram.size(-1), dtype=gram.dtype, device=gram.device)
    whole_turn = eye.expand_as(gram)
    for step in range(steps):
        turn = torch.baddbmm(gram, gram, gram, beta=b, alpha=c).add_(a * eye)
        whole_turn = turn @ whole_turn
        if step < steps - 1:
            gram = turn @ (turn @ gram)
    return whole_turn


class Optimizers:
    """One or two torch optimisers that act as one: Muon leaves vectors, embeddings and the output layer to AdamW.

    With `scaled`, for float16, losses are multiplied by so much that no gradient is lost, and a correction from
    gradients that are not numbers is left out: Micikevicius et al., "Mixed precision training", 2017, arXiv:1710.03740.
    """

    def __init__(self, parts: list[optim.Optimizer], *, scaled: bool = False) -> None:
        self.parts = parts
        self._scaler = torch.amp.GradScaler(parts[0].param_groups[0]["params"][0].device.type) if scaled else None
        self._peaks = [[float(group["lr"]) for group in part.param_groups] for part in parts]

    def scale_lr(self, factor: float) -> None:
        """Set every learning rate to its peak times `factor`."""
        for part, peaks in zip(self.parts, self._peaks, strict=True):
            for group, peak in zip(part.param_groups, peaks, strict=True):
                group["lr"] = peak * factor

    def scale_peaks(self, factor: float) -> None:
        """Multiply every peak, and with it all learning rates to come, by `factor`."""
        self._peaks = [[peak * factor for peak in peaks] for peaks in self._peaks]

    @torch.no_grad()
    def shrink(self, l1: float) -> None:
        """Add the gradient of `l1` times the absolute values of all matrices; biases and norms are left alone."""
        for part in self.parts:
            for weight in (weight for group in part.param_groups for weight in group["params"]):
                if weight.ndim >= 2 and weight.grad is not None:
                    weight.grad.add_(weight.sign(), alpha=l1)

    def backward(self, loss: Tensor) -> None:
        """Add the gradients of the loss to those that are there."""
        (self._scaler.scale(loss) if self._scaler else loss).backward()

    def unscale(self) -> None:
        """Bring the gradients, complete now, to their true size."""
        if self._scaler:
            for part in self.parts:
                self._scaler.unscale_(part)

    def step(self) -> None:
        """Correct the weights and forget the gradients."""
        for part in self.parts:
            if self._scaler:
                self._scaler.step(part)
            else:
                part.step()
            part.zero_grad(set_to_none=True)
        if self._scaler:
            self._scaler.update()

    def state_dict(self) -> list[dict[str, object]]:
        """The state of every part, and of the scale."""
        scale = [self._scaler.state_dict()] if self._scaler else []
        return [*(part.state_dict() for part in self.parts), *scale]

    def load_state_dict(self, states: list[dict[str, Any]]) -> None:
        """Take back what state_dict gave."""
        for part, state in zip(self.parts, states, strict=False):
            part.load_state_dict(_own_state(part, state))
        if self._scaler:
            self._scaler.load_state_dict(states[-1])


def build_optimizers(model: nn.Module, recipe: Recipe, *, scaled: bool = False) -> Optimizers:
    """The recipe's optimiser over all trainable weights; vectors and embeddings are not decayed."""
    return Optimizers(_parts(model, recipe), scaled=scaled)


def _parts(model: nn.Module, recipe: Recipe) -> list[optim.Optimizer]:
    trainable = {name: weight for name, weight in model.named_parameters() if weight.requires_grad}
    if recipe.optimizer == "muon":
        hidden = _hidden_matrices(model, trainable)
        rest = {name: weight for name, weight in trainable.items() if name not in hidden}
        muon = Muon(hidden.values(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=recipe.weight_decay)
        return [muon, *_adamw(rest, recipe.side_lr, recipe)]
    groups, fused = _decay_groups(trainable, recipe.weight_decay), _fused(trainable)
    if recipe.optimizer == "sgd":
        nesterov = recipe.nesterov and recipe.momentum > 0
        return [optim.SGD(groups, lr=recipe.lr, momentum=recipe.momentum, nesterov=nesterov, fused=fused)]
    if recipe.optimizer == "adagrad":
        return [optim.Adagrad(trainable.values(), lr=recipe.lr, weight_decay=recipe.weight_decay)]
    if recipe.optimizer == "rmsprop":
        return [optim.RMSprop(groups, lr=recipe.lr, momentum=recipe.momentum)]
    if recipe.optimizer == "lion":
        return [Lion(groups, lr=recipe.lr)]
    if recipe.optimizer == "adam":
        return [optim.Adam(trainable.values(), lr=recipe.lr, weight_decay=recipe.weight_decay, fused=fused)]
    return _adamw(trainable, recipe.lr, recipe)


def _own_state(part: optim.Optimizer, state: dict[str, Any]) -> dict[str, Any]:
    """Of what a checkpoint holds of an optimiser, the part that belongs to this process's part of each weight."""
    weights = [weight for group in part.param_groups for weight in group["params"]]
    own = {
        number: {
            name: own_part(value, weights[number]) if isinstance(value, Tensor) else value
            for name, value in values.items()
        }
        for number, values in state["state"].items()
    }
    return {**state, "state": own}


def lr_factor(recipe: Recipe, step: int, steps: int) -> float:
    """The share of the peak learning rate at `step` of `steps`, counted from 1."""
    warmup = round(recipe.warmup * steps)
    if step <= warmup:
        return step / max(1, warmup)
    left = (steps - step + 1) / max(1, steps - warmup)
    match recipe.schedule:
        case "constant":
            return 1.0
        case "linear":
            return left
        case "flat-linear":
            return min(1.0, left / 0.6)  # the last 60 % go down to zero
        case "cosine":
            return 0.5 * (1 + math.cos(math.pi * (1 - left)))
        case "step":
            return 0.1 ** ((left <= 0.5) + (left <= 0.25))
        case "coslog":  # four waves, each twice as long as the one before: Holzmüller et al., "Better by default", 2024
            return 0.5 * (1 - math.cos(2 * math.pi * math.log2(1 + 15 * (1 - left))))
        case "one-cycle":
            return _one_cycle(left)
        case "inverse-sqrt":  # Vaswani et al., "Attention is all you need", 2017
            peak = max(1.0, warmup, 0.01 * steps)
            return math.sqrt(peak / max(peak, step))


def _one_cycle(left: float) -> float:
    """Up from a 25th in the first 30 % of the training, then down to nearly nothing, in half waves.

    Smith and Topin, "Super-convergence", 2018, https://arxiv.org/abs/1708.07120
    """
    rising = left > 0.7
    done = (1 - left) / 0.3 if rising else (0.7 - left) / 0.7
    low = 1 / 25 if rising else 1e-4
    high_share = 0.5 * (1 + math.cos(math.pi * (1 - done if rising else done)))
    return low + (1 - low) * high_share


def _adamw(weights: Mapping[str, Tensor], lr: float, recipe: Recipe) -> list[optim.Optimizer]:
    if not weights:
        return []
    groups = _decay_groups(weights, recipe.weight_decay)
    return [optim.AdamW(groups, lr=lr, betas=(0.9, 0.95), eps=1e-8, fused=_fused(weights))]


def _fused(weights: Mapping[str, Tensor]) -> bool | None:
    """On a GPU one kernel corrects all weights at once; elsewhere torch chooses."""
    return True if weights and all(weight.is_cuda for weight in weights.values()) else None


def _decay_groups(weights: Mapping[str, Tensor], decay: float) -> list[dict[str, object]]:
    """Matrices are decayed, vectors (biases, norms) are not."""
    matrices = [weight for weight in weights.values() if weight.ndim >= 2]
    vectors = [weight for weight in weights.values() if weight.ndim < 2]
    groups: list[dict[str, object]] = [{"params": matrices, "weight_decay": decay}]
    return [*groups, {"params": vectors, "weight_decay": 0.0}] if vectors else groups


def _hidden_matrices(model: nn.Module, trainable: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """Weights that Muon is for: two or more dimensions, neither an embedding nor the layer named `head`."""
    embeddings = {
        f"{name}.weight" for name, module in model.named_modules() if isinstance(module, nn.Embedding | nn.EmbeddingBag)
    }
    return {
        name: weight
        for name, weight in trainable.items()
        if weight.ndim >= 2 and name not in embeddings and "head" not in name.split(".")
    }
