"""Gold or bubble: the sentence follows the interval of the advantage, never the bare value."""

from __future__ import annotations

import pytest

from training.report import Baseline, Estimate
from training.tasks import Metric
from training.verdict import judge

ACCURACY = Metric("accuracy", "Accuracy", "The share that is right.", percent=True)
NATS = Metric("nats", "Held-out loss", "Surprise per token.", higher_is_better=False, unit="nats")


def verdict(advantage: tuple[float, float, float], metric: Metric = ACCURACY, value: float = 0.9, rival: float = 0.8):
    """The verdict on a value with an advantage (value, low, high) over a baseline."""
    exact = Estimate(value=value, low=value - 0.01, high=value + 0.01)
    theirs = Baseline(
        key="b", title="Boosted trees", about="", metrics={metric.key: Estimate(value=rival, low=rival, high=rival)}
    )
    gain, low, high = advantage
    return judge(metric, exact, theirs, Estimate(value=gain, low=low, high=high), 1234)


@pytest.mark.parametrize(
    ("advantage", "grade", "title"),
    [
        ((0.10, 0.08, 0.12), "gold", "Better than boosted trees"),
        ((0.01, -0.01, 0.03), "promising", "Perhaps better, not yet shown"),
        ((0.00, -0.01, 0.01), "bubble", "No better than boosted trees"),
        ((-0.01, -0.03, 0.01), "bubble", "No better than boosted trees"),
        ((-0.10, -0.12, -0.08), "bubble", "Worse than boosted trees"),
    ],
)
def test_the_grade_follows_from_where_the_interval_lies(advantage, grade, title):
    found = verdict(advantage)
    assert (found.grade, found.title) == (grade, title)


def test_the_sentence_names_both_values_the_examples_and_what_is_sure():
    assert verdict((0.10, 0.08, 0.12)).text == (
        "Accuracy: 90.0 % on 1,234 held-out examples. Boosted trees: 80.0 %. "
        "The difference is real: between +8.0 and +12.0 percentage points in 95 of 100 repetitions."
    )
    assert verdict((-0.2, -0.22, -0.18), NATS, 1.825, 1.606).text == (
        "Held-out loss: 1.825 nats on 1,234 held-out examples. Boosted trees: 1.606 nats. "
        "The simpler answer is better than this model."
    )


def test_a_wide_band_asks_for_more_examples_and_a_bubble_for_another_way():
    few = Estimate(value=0.9, low=0.8, high=0.97)
    theirs = Baseline(key="b", title="Boosted trees", about="", metrics={"accuracy": few})
    steps = judge(ACCURACY, few, theirs, Estimate(value=0.0, low=-0.1, high=0.1), 60).next_steps
    assert any("with 60 held out" in step for step in steps)
    assert any("another architecture" in step for step in steps)
    assert not any("held out" in step for step in verdict((0.10, 0.08, 0.12)).next_steps)
