"""What the training makes small, as the recipe words it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F

from training.recipes import Recipe

MOST_OF_A_NAME = 5.0
"""How much more than other words a name counts at most."""


def class_weights(truth: Tensor, classes: int, recipe: Recipe) -> Tensor | None:
    """How much each class counts in the loss: (classes,), 1 on average over `truth` (n,); None if all count alike."""
    if recipe.class_weights == "none":
        return None
    counts = torch.bincount(truth[truth >= 0], minlength=classes).clamp(min=1)
    return (truth >= 0).sum() / (classes * counts.float())


def tag_weights(truth: Tensor, outside: Sequence[bool], recipe: Recipe) -> Tensor | None:
    """How much each tag counts in the loss: (tags,), names more by the root of how rare they are; None if all alike.

    `truth` are tag numbers (n,), negative where there is none; `outside` says which tag is for words that are no name.
    The best F1 comes from saying what is likelier than half that F1, not than a half: Lipton, Elkan and Naryanaswamy,
    "Optimal thresholding of classifiers to maximize F1 measure", 2014.
    """
    if recipe.class_weights == "none":
        return None
    is_outside = torch.tensor(outside)
    counts = torch.bincount(truth[truth >= 0], minlength=len(outside))
    plain, named = int(counts[is_outside].sum()), int(counts[~is_outside].sum())
    rare = min(MOST_OF_A_NAME, max(1.0, (plain / max(1, named)) ** 0.5))
    return torch.where(is_outside, 1.0, rare)


def class_loss(scores: Tensor, targets: Tensor, recipe: Recipe, weights: Tensor | None = None) -> Tensor:
    """Mean cross-entropy in nats of scores (B, classes) for class numbers (B,), smoothed, weighted or focal.

    Focal: Lin et al., "Focal loss for dense object detection", 2017, https://arxiv.org/abs/1708.02002
    """
    if not recipe.focal:
        return F.cross_entropy(scores, targets, weights, label_smoothing=recipe.label_smoothing)
    losses = F.cross_entropy(scores, targets, weights, label_smoothing=recipe.label_smoothing, reduction="none")
    sure = scores.softmax(dim=1).gather(1, targets[:, None]).squeeze(1)
    total = len(targets) if weights is None else weights[targets].sum()
    return (losses * (1 - sure) ** recipe.focal).sum() / total


def value_loss(predicted: Tensor, targets: Tensor, recipe: Recipe) -> Tensor:
    """Mean squared error of standardised values (B,); beyond `recipe.huber` deviations it grows in proportion only.

    Huber, "Robust estimation of a location parameter", 1964; twice his loss, so that small errors count as squares.
    """
    if recipe.huber:
        return 2 * F.huber_loss(predicted, targets, delta=recipe.huber)
    return F.mse_loss(predicted, targets)


def label_weights(truth: Tensor, recipe: Recipe) -> Tensor | None:
    """How much a label that is there counts against one that is not: (labels,), for `truth` (n, labels) of 0 and 1."""
    if recipe.class_weights == "none":
        return None
    there = truth.sum(dim=0).clamp(min=1)
    return (len(truth) - there).clamp(min=1) / there


def label_loss(scores: Tensor, targets: Tensor, recipe: Recipe, weights: Tensor | None = None) -> Tensor:
    """Mean binary cross-entropy in nats of scores (B, labels) for targets (B, labels) of 0 and 1, each for itself.

    Smoothed, weighted or focal as `class_loss` is.
    """
    wanted = targets * (1 - recipe.label_smoothing) + recipe.label_smoothing / 2
    losses = F.binary_cross_entropy_with_logits(scores, wanted, pos_weight=weights, reduction="none")
    if recipe.focal:
        sure = torch.where(targets > 0, scores, -scores).sigmoid()
        losses = losses * (1 - sure) ** recipe.focal
    return losses.mean()
