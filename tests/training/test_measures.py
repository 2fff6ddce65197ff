"""The measures agree with scikit-learn, and intervals hold what they should."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn import metrics

from training.measures import class_estimators, value_estimators
from training.resampling import bootstrap, difference, doubted, weighted_mean

EVERYTHING = np.ones((1, 400))


@pytest.mark.parametrize("classes", [2, 5])
def test_class_measures_equal_scikit_learn(classes: int) -> None:
    random = np.random.default_rng(0)
    truth = random.integers(0, classes, 400)
    scores = random.normal(size=(400, classes)).round(1)
    scores[np.arange(400), truth] += 1
    probabilities = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    predicted = probabilities.argmax(axis=1)
    ours = {name: float(measure(EVERYTHING)[0]) for name, measure in class_estimators(truth, probabilities).items()}
    if classes == 2:
        auc = metrics.roc_auc_score(truth, probabilities[:, 1])
    else:
        auc = metrics.roc_auc_score(truth, probabilities, multi_class="ovr")
    assert ours["accuracy"] == pytest.approx(metrics.accuracy_score(truth, predicted))
    assert ours["balanced_accuracy"] == pytest.approx(metrics.balanced_accuracy_score(truth, predicted))
    assert ours["precision"] == pytest.approx(metrics.precision_score(truth, predicted, average="macro"))
    assert ours["f1"] == pytest.approx(metrics.f1_score(truth, predicted, average="macro"))
    assert ours["roc_auc"] == pytest.approx(auc)
    assert ours["log_loss"] == pytest.approx(metrics.log_loss(truth, probabilities))


def test_the_true_class_is_among_the_five_likeliest_as_often_as_scikit_learn_says() -> None:
    random = np.random.default_rng(0)
    truth, probabilities = random.integers(0, 9, 400), random.dirichlet(np.ones(9), 400)
    top5 = float(class_estimators(truth, probabilities)["top5"](EVERYTHING)[0])
    assert top5 == pytest.approx(metrics.top_k_accuracy_score(truth, probabilities, k=5))
    assert "top5" not in class_estimators(truth % 5, probabilities[:, :5])


def test_value_measures_equal_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(50, 10, 400)
    predicted = truth + random.normal(0, 3, 400)
    ours = {name: float(measure(EVERYTHING)[0]) for name, measure in value_estimators(truth, predicted).items()}
    assert ours["r2"] == pytest.approx(metrics.r2_score(truth, predicted))
    assert ours["rmse"] == pytest.approx(metrics.root_mean_squared_error(truth, predicted))
    assert ours["mae"] == pytest.approx(metrics.mean_absolute_error(truth, predicted))


def test_a_weighted_resample_is_the_measure_of_the_repeated_examples() -> None:
    random = np.random.default_rng(3)
    truth = random.integers(0, 3, 60)
    probabilities = random.dirichlet(np.ones(3), 60)
    drawn = random.integers(0, 60, 60)
    weights = np.bincount(drawn, minlength=60)[None, :].astype(float)
    for name, measure in class_estimators(truth, probabilities).items():
        repeated = class_estimators(truth[drawn], probabilities[drawn])[name](np.ones((1, 60)))
        assert measure(weights)[0] == pytest.approx(repeated[0]), name


def test_the_interval_of_a_share_is_as_wide_as_the_binomial_says() -> None:
    right = (np.arange(400) < 320).astype(float)
    estimate = bootstrap(weighted_mean(right), 400)
    spread = 1.96 * np.sqrt(0.8 * 0.2 / 400)
    assert estimate.value == pytest.approx(0.8)
    assert estimate.low == pytest.approx(0.8 - spread, abs=0.008)
    assert estimate.high == pytest.approx(0.8 + spread, abs=0.008)


@pytest.mark.parametrize("right", [0, 71])
def test_a_perfect_share_is_doubted_as_the_exact_binomial_interval_does(right: int) -> None:
    share = doubted(bootstrap(weighted_mean(np.repeat(float(right > 0), 71)), 71), 71)
    exact = binomtest(right, 71).proportion_ci(method="exact")
    assert (share.low, share.high) == pytest.approx((exact.low, exact.high))


def test_a_paired_difference_is_narrower_than_two_intervals() -> None:
    random = np.random.default_rng(0)
    first = random.normal(size=300)
    second = first - 0.1 + random.normal(scale=0.01, size=300)
    paired = difference(weighted_mean(first), weighted_mean(second), 300)
    assert 0.09 < paired.low < 0.1 < paired.high < 0.11
