"""Gold or bubble, in plain words: what a result is worth against the best honest alternative."""

from __future__ import annotations

from training.report import Baseline, Estimate, Verdict
from training.tasks import Metric


def judge(
    metric: Metric, estimate: Estimate, baseline: Baseline, advantage: Estimate, examples: int, *, what: str = "model"
) -> Verdict:
    """The verdict on a headline, from its paired advantage over the best baseline (positive means better)."""
    rival = baseline.metrics[metric.key]
    ours, theirs = in_words(metric, estimate.value), in_words(metric, rival.value)
    facts = f"{metric.title}: {ours} on {examples:,} held-out examples. {baseline.title}: {theirs}."
    if advantage.low > 0:
        sure = f"The difference is real: {_difference(metric, advantage)} in 95 of 100 repetitions."
        return Verdict(
            grade="gold",
            title=f"Better than {_lower(baseline.title)}",
            text=f"{facts} {sure}",
            next_steps=_next_steps(metric, estimate, examples, beaten=True),
        )
    if advantage.value > 0:
        unsure = "The difference can still be chance: " + _difference(metric, advantage) + "."
        return Verdict(
            grade="promising",
            title="Perhaps better, not yet shown",
            text=f"{facts} {unsure}",
            next_steps=_next_steps(metric, estimate, examples, beaten=False),
        )
    is_worse = advantage.high < 0
    return Verdict(
        grade="bubble",
        title=f"{'Worse' if is_worse else 'No better'} than {_lower(baseline.title)}",
        text=f"{facts} The simpler answer is {'better than' if is_worse else 'as good as'} this {what}.",
        next_steps=_next_steps(metric, estimate, examples, beaten=False),
    )


def in_words(metric: Metric, value: float) -> str:
    """A value with its unit: "97.1 %", "1.63 nats"."""
    if metric.percent:
        return f"{100 * value:.1f} %"
    return f"{plain_number(value)} {metric.unit}".strip()


def plain_number(value: float) -> str:
    """As many digits as a person reads: 206,856, 47.3, 29, 0.812."""
    size = abs(value)
    digits = 0 if size >= 1000 or float(value).is_integer() else 1 if size >= 10 else 3
    return f"{value:,.{digits}f}".replace("-0.000", "0.000")


def _difference(metric: Metric, advantage: Estimate) -> str:
    low, high = sorted((advantage.low, advantage.high))
    if metric.percent:
        return f"between {100 * low:+.1f} and {100 * high:+.1f} percentage points"
    return f"an advantage between {plain_number(low)} and {plain_number(high)} {metric.unit}".rstrip()


def _next_steps(metric: Metric, estimate: Estimate, examples: int, *, beaten: bool) -> list[str]:
    steps = []
    if not beaten:
        steps.append("Check in the data that the columns to learn from can know the answer at all.")
        steps.append("Try another architecture, or the preset “thorough” if this was another one.")
    if metric.percent and estimate.high - estimate.low > 0.08:
        steps.append(f"Bring more examples: with {examples:,} held out, the figure is only known within a wide band.")
    if beaten:
        steps.append("Look at the hardest examples: wrong labels there are cheap to mend.")
        steps.append("Try the model on examples of your own before you promise anything.")
    return steps


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:] if title[1:2].islower() else title
