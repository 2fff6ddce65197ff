"""How sure a figure is: the bootstrap over held-out examples, with resamples written as weights."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.report import Estimate

Weights: TypeAlias = NDArray[np.float64]
"""How often each example was drawn: (resamples, examples)."""
Measure: TypeAlias = Callable[[Weights], NDArray[np.float64]]
"""From weights to one value per resample; NaN where the resample does not define it."""

MOST_CELLS = 4_000_000
"""Weights held at a time: bounds the memory to 32 MB."""


def bootstrap(measure: Measure, examples: int, seed: int = 0) -> Estimate:
    """The measure on all examples with its 95 % percentile interval.

    Draws 1,000 resamples of `examples` examples, fewer (at least 200) when there are very many of them.
    Efron and Tibshirani, "An Introduction to the Bootstrap", 1993, chapter 13.
    """
    value = float(measure(np.ones((1, examples)))[0])
    drawn = np.concatenate([measure(weights) for weights in _resamples(examples, seed)])
    drawn = drawn[np.isfinite(drawn)]
    if not len(drawn):
        return Estimate(value=value, low=value, high=value)
    low, high = np.quantile(drawn, (0.025, 0.975))
    return Estimate(value=value, low=float(low), high=float(high))


def doubted(share: Estimate, examples: int) -> Estimate:
    """A share with an interval that has a width even where all examples agree, which no resample can doubt.

    There it is the exact interval of so many examples (Clopper and Pearson, "The use of confidence or fiducial limits
    illustrated in the case of the binomial", Biometrika 26, 1934): 71 right of 71 leave room for 94.9 %.
    """
    least = 0.025 ** (1 / examples)
    if share.low == share.high == 1.0:
        return share.model_copy(update={"low": least})
    if share.low == share.high == 0.0:
        return share.model_copy(update={"high": 1.0 - least})
    return share


def difference(first: Measure, second: Measure, examples: int, seed: int = 0) -> Estimate:
    """`first` minus `second` on the same resamples: the paired comparison of two models."""
    return bootstrap(lambda weights: first(weights) - second(weights), examples, seed)


def folds_difference(differences: Sequence[float], share: float) -> tuple[Estimate, float]:
    """The mean of one difference per fold, with its 95 % interval and a two-sided p, by the corrected resampled t-test.

    share: examples that judge over those that learn, in each fold. Folds learn from mostly the same examples, so their
    spread alone would promise too much; it is widened by the share (Nadeau and Bengio, "Inference for the
    generalization error", Machine Learning 52, 2003; for cross-validation: Bouckaert and Frank, 2004). At least two.
    """
    from scipy.special import stdtr, stdtrit

    values = np.asarray(differences, dtype=np.float64)
    folds, mean = len(values), float(values.mean())
    error = float(values.std(ddof=1)) * math.sqrt(1 / folds + share)
    reach = float(stdtrit(folds - 1, 0.975)) * error
    p = 2 * float(stdtr(folds - 1, -abs(mean) / error)) if error else float(mean == 0)
    return Estimate(value=mean, low=mean - reach, high=mean + reach), p


def weighted_mean(values: NDArray[np.float64]) -> Measure:
    """The mean of one value per example."""
    return lambda weights: weights @ values / weights.sum(axis=1)


def _resamples(examples: int, seed: int) -> Iterator[Weights]:
    count = int(np.clip(20_000_000 / max(1, examples), 200, 1000))
    at_once = max(1, MOST_CELLS // max(1, examples))
    random = np.random.default_rng(seed)
    for start in range(0, count, at_once):
        rows = min(at_once, count - start)
        drawn = random.integers(0, examples, size=(rows, examples)) + np.arange(rows)[:, None] * examples
        yield np.bincount(drawn.ravel(), minlength=rows * examples).reshape(rows, examples).astype(np.float64)
