"""Two models' answers to the same held-out examples: is one really better?"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt
from typing import Any, Literal

import numpy as np
from django.utils.translation import gettext as _
from numpy.typing import NDArray

from webapp.runs.models import Run
from webapp.runs.results import predictions_table

CLEAR = 0.05
"""A p below it is called real."""
RESAMPLES = 2_000
MOST_RESAMPLED = 5_000
EXAMPLES_SHOWN = 20


@dataclass(frozen=True)
class Answers:
    """How one model did on each held-out example, in the order of the rows."""

    rows: NDArray[np.int64]
    truth: list[Any]
    loss: NDArray[np.float64]
    """Surprise at the right class, or distance from the true number."""
    correct: NDArray[np.bool_] | None
    """None where there is no right or wrong."""


def read_answers(run: Run) -> Answers | None:
    """The run's answers; None before it is finished and for tasks without single answers."""
    table = predictions_table(run)
    if table is None or "loss" not in table.column_names:
        return None
    table = table.sort_by("row")
    correct = table["correct"].to_numpy().astype(bool) if "correct" in table.column_names else None
    return Answers(table["row"].to_numpy(), table["truth"].to_pylist(), table["loss"].to_numpy(), correct)


def same_examples(a: Answers, b: Answers) -> bool:
    """Whether both were asked the same questions."""
    return len(a.rows) == len(b.rows) and bool(np.array_equal(a.rows, b.rows)) and a.truth == b.truth


def judge(a: Run, b: Run, first: Answers, second: Answers) -> dict[str, Any]:
    """The verdict on `b` against `a`, in figures and in a sentence; see `compare.compare` for its shape."""
    if first.correct is not None and second.correct is not None:
        return _judge_classes(a, b, first, second)
    return _judge_values(a, b, first, second)


def mcnemar(fixed: int, broken: int) -> float:
    """Exact two-sided p of McNemar's test (1947): how likely so uneven a split of changed answers is by chance."""
    changed, fewer = fixed + broken, min(fixed, broken)
    tail = sum(exp(_log_choose(changed, k) - changed * log(2)) for k in range(fewer + 1))
    return min(1.0, 2 * tail)


def paired_bootstrap(differences: NDArray[np.float64]) -> tuple[float, float, float]:
    """95 % interval of the mean difference and a two-sided p, from resampled examples (Efron and Tibshirani, 1993).

    From some thousand examples on the resampled means are normally distributed, so they need not be drawn.
    """
    n = len(differences)
    if n > MOST_RESAMPLED:
        return _normal_interval(float(differences.mean()), float(differences.std(ddof=1)) / sqrt(n))
    rng = np.random.default_rng(0)
    means = np.array([differences[rng.integers(0, n, n)].mean() for _ in range(RESAMPLES)])
    low, high = np.quantile(means, (0.025, 0.975))
    fewer = min(int(np.sum(means <= 0)), int(np.sum(means >= 0)))
    return float(low), float(high), min(1.0, 2 * (fewer + 1) / (RESAMPLES + 1))


def _normal_interval(mean: float, error: float) -> tuple[float, float, float]:
    p = erfc(abs(mean) / error / sqrt(2)) if error else float(mean == 0)
    return mean - 1.96 * error, mean + 1.96 * error, p


def _judge_classes(a: Run, b: Run, first: Answers, second: Answers) -> dict[str, Any]:
    assert first.correct is not None and second.correct is not None
    fixed, broken = ~first.correct & second.correct, first.correct & ~second.correct
    difference = second.correct.astype(float) - first.correct.astype(float)
    p = mcnemar(int(fixed.sum()), int(broken.sum()))
    low, high, _p = paired_bootstrap(difference)
    better = _better(a, b, gain=float(difference.mean()), p=p)
    counts = {"fixed": int(fixed.sum()), "broken": int(broken.sum())}
    return {
        **_figures(a, b, "mcnemar", len(difference), difference=float(difference.mean()), low=low, high=high, p=p),
        **counts,
        "fixed_rows": first.rows[fixed][:EXAMPLES_SHOWN].tolist(),
        "broken_rows": first.rows[broken][:EXAMPLES_SHOWN].tolist(),
        "better": better.pk if better else None,
        "sentence": _class_sentence(b, better, p=p, **counts),
    }


def _class_sentence(b: Run, better: Run | None, *, fixed: int, broken: int, p: float) -> str:
    words = {"name": b.name, "fixed": fixed, "broken": broken, "p": _short(p)}
    if better is None:
        return _("No real difference: “%(name)s” fixed %(fixed)d and broke %(broken)d (p %(p)s).") % words
    if better == b:
        return _("“%(name)s” is better: %(fixed)d fixed, %(broken)d broken (p %(p)s).") % words
    return _("“%(name)s” is worse: %(fixed)d fixed, %(broken)d broken (p %(p)s).") % words


def _judge_values(a: Run, b: Run, first: Answers, second: Answers) -> dict[str, Any]:
    """`fixed` counts the examples that came closer to the truth, `broken` those that went further away."""
    difference = second.loss - first.loss
    low, high, p = paired_bootstrap(difference)
    mean = float(difference.mean())
    better = _better(a, b, gain=-mean, p=p)
    fixed, broken = difference < 0, difference > 0
    return {
        **_figures(a, b, "bootstrap", len(difference), difference=mean, low=low, high=high, p=p),
        "fixed": int(fixed.sum()),
        "broken": int(broken.sum()),
        "fixed_rows": first.rows[np.argsort(difference)[:EXAMPLES_SHOWN]].tolist(),
        "broken_rows": first.rows[np.argsort(-difference)[:EXAMPLES_SHOWN]].tolist(),
        "better": better.pk if better else None,
        "sentence": _value_sentence(b, better, mean=mean, p=p),
    }


def _value_sentence(b: Run, better: Run | None, *, mean: float, p: float) -> str:
    words = {"name": b.name, "size": f"{abs(mean):.4g}", "p": _short(p)}
    if better is None:
        return _("No real difference: the mean errors differ by %(size)s (p %(p)s).") % words
    if better == b:
        return _("“%(name)s” is better: its mean error is %(size)s smaller (p %(p)s).") % words
    return _("“%(name)s” is worse: its mean error is %(size)s larger (p %(p)s).") % words


def _figures(
    a: Run,
    b: Run,
    test: Literal["mcnemar", "bootstrap"],
    examples: int,
    *,
    difference: float,
    low: float,
    high: float,
    p: float,
) -> dict[str, Any]:
    return {
        "a": a.pk,
        "b": b.pk,
        "test": test,
        "examples": examples,
        "difference": difference,
        "low": low,
        "high": high,
        "p": p,
    }


def _better(a: Run, b: Run, *, gain: float, p: float) -> Run | None:
    if p >= CLEAR or gain == 0:
        return None
    return b if gain > 0 else a


def _short(p: float) -> str:
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
