"""Whether a difference between two models is more than chance."""

import numpy as np
import pytest
from scipy.stats import ttest_1samp

from training.resampling import folds_difference

DIFFERENCES = [0.021, 0.034, 0.012, 0.029, 0.017]


def test_folds_that_share_no_examples_are_compared_by_students_t():
    estimate, p = folds_difference(DIFFERENCES, share=0.0)
    known = ttest_1samp(DIFFERENCES, 0.0)
    assert p == pytest.approx(known.pvalue)
    interval = known.confidence_interval()
    assert (estimate.low, estimate.high) == pytest.approx((interval.low, interval.high))
    assert estimate.value == pytest.approx(np.mean(DIFFERENCES))


def test_folds_that_learn_from_the_same_examples_promise_less():
    alone, certain = folds_difference(DIFFERENCES, share=0.0)
    shared, careful = folds_difference(DIFFERENCES, share=0.25)
    assert shared.high - shared.low == pytest.approx(1.5 * (alone.high - alone.low))  # (1/5 + 1/4) / (1/5) = 1.5²
    assert careful > certain


@pytest.mark.parametrize(("differences", "p"), [([0.0, 0.0, 0.0], 1.0), ([0.5, 0.5, 0.5], 0.0)])
def test_differences_without_spread_are_certain(differences, p):
    estimate, found = folds_difference(differences, share=0.5)
    assert found == p
    assert estimate.low == estimate.value == estimate.high


def test_one_choice_in_twenty_seems_better_by_chance():
    """Two equal choices, judged on folds whose results rise and fall together as those of real folds do."""
    random = np.random.default_rng(0)
    shared = random.normal(size=(2000, 1)) * 0.5
    apart = shared + random.normal(size=(2000, 5))
    found = [folds_difference(row, share=0.25)[1] < 0.05 for row in apart]
    assert np.mean(found) < 0.07
    assert np.mean([folds_difference(row, share=0.0)[1] < 0.05 for row in apart]) > 0.09
