"""The measures themselves, as functions of resampling weights, so that an interval costs one pass."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from training.resampling import Measure, Weights, weighted_mean

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


def class_measures(truth: Ints, probabilities: Floats) -> dict[str, float]:
    """Loss (nats), accuracy and macro F1 of probabilities (n, classes) against true classes (n,), for a curve."""
    everything = np.ones((1, len(truth)))
    predicted = probabilities.argmax(axis=1)
    return {
        "loss": float(nats(truth, probabilities).mean()),
        "accuracy": float((predicted == truth).mean()),
        "f1": float(f1(truth, predicted, probabilities.shape[1])(everything)[0]),
    }


def value_measures(truth: Floats, predicted: Floats) -> dict[str, float]:
    """R², RMSE and mean error of predicted values (n,) against true ones (n,), in the target's unit."""
    everything = np.ones((1, len(truth)))
    return {name: float(measure(everything)[0]) for name, measure in value_estimators(truth, predicted).items()}


def class_estimators(truth: Ints, probabilities: Floats) -> dict[str, Measure]:
    """Every measure of a classification by its key, headline first."""
    classes = probabilities.shape[1]
    predicted = probabilities.argmax(axis=1)
    estimators = {
        "accuracy": weighted_mean((predicted == truth).astype(np.float64)),
        "balanced_accuracy": balanced_accuracy(truth, predicted, classes),
        "precision": precision(truth, predicted, classes),
        "f1": f1(truth, predicted, classes),
        "roc_auc": roc_auc(truth, probabilities),
        "log_loss": weighted_mean(nats(truth, probabilities)),
    }
    return estimators | ({"top5": weighted_mean(top_hits(truth, probabilities, 5))} if classes > 5 else {})


def value_estimators(truth: Floats, predicted: Floats) -> dict[str, Measure]:
    """Every measure of a regression by its key, headline first."""
    squared, absolute = (predicted - truth) ** 2, np.abs(predicted - truth)

    def r2(weights: Weights) -> Floats:
        total = weights.sum(axis=1)
        mean = weights @ truth / total
        spread = weights @ truth**2 / total - mean**2
        return np.asarray(1 - (weights @ squared / total) / np.maximum(spread, 1e-12))

    def rmse(weights: Weights) -> Floats:
        return np.asarray(np.sqrt(weights @ squared / weights.sum(axis=1)))

    return {"r2": r2, "rmse": rmse, "mae": weighted_mean(absolute)}


def top_hits(truth: Ints, probabilities: Floats, most: int) -> Floats:
    """For each example 1 if fewer than `most` classes are likelier than the true one, else 0: (n,)."""
    own = probabilities[np.arange(len(truth)), truth]
    likelier: Ints = (probabilities > own[:, None]).sum(axis=1)
    return (likelier < most).astype(np.float64)


def share_right(leads: Floats) -> Measure:
    """How often the right one of two leads, by how much it leads (n,); ties count half."""
    return weighted_mean((leads > 0) + 0.5 * (leads == 0))


def loss_of_leads(leads: Floats) -> Measure:
    """Surprise in nats at which of two is right, from the log odds of the right one (n,)."""
    return weighted_mean(np.logaddexp(0, -leads))


def nats(truth: Ints, probabilities: Floats) -> Floats:
    """Surprise of each true class (n,): minus the logarithm of its probability, at most 36."""
    chosen = probabilities[np.arange(len(truth)), truth]
    return -np.log(np.clip(chosen, 1e-16, 1.0))


def confusion_counts(truth: Ints, predicted: Ints, classes: int, weights: Weights) -> Floats:
    """Confusion matrices (resamples, true class, predicted class)."""
    cells = truth * classes + predicted
    rows = len(weights)
    offset = np.arange(rows)[:, None] * classes**2 + cells[None, :]
    counts = np.bincount(offset.ravel(), weights=weights.ravel(), minlength=rows * classes**2)
    return counts.reshape(rows, classes, classes).astype(np.float64)


def balanced_accuracy(truth: Ints, predicted: Ints, classes: int) -> Measure:
    """Mean recall over the classes that occur."""

    def measure(weights: Weights) -> Floats:
        counts = confusion_counts(truth, predicted, classes, weights)
        there = counts.sum(axis=2)
        recall = np.divide(np.einsum("rcc->rc", counts), there, out=np.zeros_like(there), where=there > 0)
        return np.asarray(recall.sum(axis=1) / np.maximum((there > 0).sum(axis=1), 1))

    return measure


def precision(truth: Ints, predicted: Ints, classes: int) -> Measure:
    """Share right of what was called a class, averaged over the classes that occur in truth or prediction."""

    def measure(weights: Weights) -> Floats:
        counts = confusion_counts(truth, predicted, classes, weights)
        said = counts.sum(axis=1)
        occurs = said + counts.sum(axis=2) > 0
        shares = np.divide(np.einsum("rcc->rc", counts), said, out=np.zeros_like(said), where=said > 0)
        return np.asarray(shares.sum(axis=1) / np.maximum(occurs.sum(axis=1), 1))

    return measure


def f1(truth: Ints, predicted: Ints, classes: int) -> Measure:
    """Harmonic mean of precision and recall, averaged over the classes that occur in truth or prediction."""

    def measure(weights: Weights) -> Floats:
        counts = confusion_counts(truth, predicted, classes, weights)
        both = counts.sum(axis=2) + counts.sum(axis=1)
        scores = np.divide(2 * np.einsum("rcc->rc", counts), both, out=np.zeros_like(both), where=both > 0)
        return np.asarray(scores.sum(axis=1) / np.maximum((both > 0).sum(axis=1), 1))

    return measure


def roc_auc(truth: Ints, probabilities: Floats) -> Measure:
    """Chance that an example of the class scores above one that is not; for several classes the mean of one-vs-rest."""
    classes = [1] if probabilities.shape[1] == 2 else range(probabilities.shape[1])
    each = [_binary_auc(truth == one, probabilities[:, one]) for one in classes]

    def measure(weights: Weights) -> Floats:
        values = np.stack([one(weights) for one in each])
        defined = np.isfinite(values)
        total = np.where(defined, values, 0.0).sum(axis=0)
        return np.asarray(np.where(defined.any(axis=0), total / np.maximum(defined.sum(axis=0), 1), np.nan))

    return measure


def _binary_auc(positive: NDArray[np.bool_], scores: Floats) -> Measure:
    """Area under the ROC curve by the trapezoid rule over ties; NaN where only one class is there."""
    order = np.argsort(-scores, kind="stable")
    positive, scores = positive[order], scores[order]
    last_of_tie = np.append(np.flatnonzero(np.diff(scores)), len(scores) - 1)

    def measure(weights: Weights) -> Floats:
        drawn = weights[:, order]
        hits = np.cumsum(drawn * positive, axis=1)[:, last_of_tie]
        misses = np.cumsum(drawn * ~positive, axis=1)[:, last_of_tie]
        hits = np.pad(hits, ((0, 0), (1, 0)))
        misses = np.pad(misses, ((0, 0), (1, 0)))
        area = (np.diff(misses, axis=1) * (hits[:, 1:] + hits[:, :-1]) / 2).sum(axis=1)
        both = hits[:, -1] * misses[:, -1]
        return np.asarray(np.divide(area, both, out=np.full(len(area), np.nan), where=both > 0))

    return measure
