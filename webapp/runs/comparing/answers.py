"""Models' answers to held-out examples, read and compared beside the web process: it knows neither Django nor runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import erfc, exp, lgamma, log, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from training.resampling import folds_difference

RESAMPLES = 2_000
MOST_RESAMPLED = 5_000
EXAMPLES_SHOWN = 20


def page(path: Path, truth: str, prediction: str, wrong: bool, offset: int, limit: int) -> dict[str, Any]:
    """A page of answers, the hardest first; see `results.read_predictions`."""
    table = pq.read_table(path)
    for column, value in (("truth", truth), ("prediction", prediction)):
        if value:
            table = table.filter(pc.equal(pc.cast(table[column], "string"), value))
    if wrong and "correct" in table.column_names:
        table = table.filter(pc.invert(table["correct"]))
    rows = table.sort_by([("loss", "descending"), ("row", "ascending")]).slice(offset, limit)
    # ids are 64-bit hashes, more than a browser's numbers hold
    return {"count": table.num_rows, "results": [row | {"id": str(row["id"])} for row in rows.to_pylist()]}


def draw(path: Path, number: int) -> dict[str, Any] | None:
    """One answer, chosen by a random number; None if there are none."""
    table = pq.read_table(path)
    return table.slice(number % table.num_rows, 1).to_pylist()[0] if table.num_rows else None


def compare(first: Path, second: Path) -> dict[str, Any] | None:
    """How the second model did against the first on the same examples.

    {"test", "examples", "fixed", "broken", "fixed_rows", "broken_rows", "difference", "low", "high", "p"}; None if they
    were asked different questions, {} if their task has no loss for each example. `difference` is second minus first:
    of the share that is right ("mcnemar"), or of the mean loss ("bootstrap"), where `fixed` counts the examples that
    came closer to the truth and `broken` those that went further away.
    """
    a, b = read_answers(first), read_answers(second)
    return {} if a is None or b is None else compare_answers(a, b)


def compare_answers(a: Answers, b: Answers) -> dict[str, Any] | None:
    """The same for answers in memory."""
    if not same_examples(a, b):
        return None
    if a.correct is not None and b.correct is not None:
        return _compare_classes(a.rows, a.correct, b.correct)
    return _compare_values(a.rows, b.loss - a.loss)


def compare_folds(
    differences: Sequence[float], share: float, paths: Sequence[tuple[Path | None, Path | None]]
) -> dict[str, Any]:
    """Two cross-validations by their folds, and by all held-out examples where every fold has answers.

    {"difference", "low", "high", "p"} of the measure's differences, one per fold, by `resampling.folds_difference`;
    "answers": what `compare` finds out about the examples of all folds together, None where it cannot.
    """
    estimate, p = folds_difference(differences, share)
    return {
        "difference": estimate.value,
        "low": estimate.low,
        "high": estimate.high,
        "p": p,
        "answers": _compare_all(paths) or None,
    }


def _compare_all(paths: Sequence[tuple[Path | None, Path | None]]) -> dict[str, Any] | None:
    pairs = [(read_answers(a), read_answers(b)) for a, b in paths if a and b]
    known = [(a, b) for a, b in pairs if a and b]
    if len(known) < len(paths) or not all(same_examples(a, b) for a, b in known):
        return None
    return compare_answers(_together([a for a, _ in known]), _together([b for _, b in known]))


def _together(folds: Sequence[Answers]) -> Answers:
    """The answers of all folds, each of which was asked other questions."""
    right = [fold.correct for fold in folds if fold.correct is not None]
    return Answers(
        np.concatenate([fold.rows for fold in folds]),
        [truth for fold in folds for truth in fold.truth],
        np.concatenate([fold.loss for fold in folds]),
        np.concatenate(right) if len(right) == len(folds) else None,
    )


@dataclass(frozen=True)
class Answers:
    """How one model did on each held-out example, in the order of the rows."""

    rows: NDArray[np.int64]
    truth: list[Any]
    loss: NDArray[np.float64]
    """Surprise at the right class, or distance from the true number."""
    correct: NDArray[np.bool_] | None
    """None where there is no right or wrong."""


def read_answers(path: Path) -> Answers | None:
    """The answers in `predictions.parquet`; None for tasks without a loss for each example."""
    table: pa.Table = pq.read_table(path)
    if "loss" not in table.column_names:
        return None
    table = table.sort_by("row")
    correct = table["correct"].to_numpy().astype(bool) if "correct" in table.column_names else None
    return Answers(table["row"].to_numpy(), table["truth"].to_pylist(), table["loss"].to_numpy(), correct)


def same_examples(a: Answers, b: Answers) -> bool:
    """Whether both were asked the same questions."""
    return len(a.rows) == len(b.rows) and bool(np.array_equal(a.rows, b.rows)) and a.truth == b.truth


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


def _compare_classes(rows: NDArray[np.int64], first: NDArray[np.bool_], second: NDArray[np.bool_]) -> dict[str, Any]:
    fixed, broken = ~first & second, first & ~second
    difference = second.astype(float) - first.astype(float)
    low, high, _p = paired_bootstrap(difference)
    return {
        "test": "mcnemar",
        "examples": len(rows),
        "fixed": int(fixed.sum()),
        "broken": int(broken.sum()),
        "fixed_rows": rows[fixed][:EXAMPLES_SHOWN].tolist(),
        "broken_rows": rows[broken][:EXAMPLES_SHOWN].tolist(),
        "difference": float(difference.mean()),
        "low": low,
        "high": high,
        "p": mcnemar(int(fixed.sum()), int(broken.sum())),
    }


def _compare_values(rows: NDArray[np.int64], difference: NDArray[np.float64]) -> dict[str, Any]:
    low, high, p = paired_bootstrap(difference)
    return {
        "test": "bootstrap",
        "examples": len(rows),
        "fixed": int((difference < 0).sum()),
        "broken": int((difference > 0).sum()),
        "fixed_rows": rows[np.argsort(difference)[:EXAMPLES_SHOWN]].tolist(),
        "broken_rows": rows[np.argsort(-difference)[:EXAMPLES_SHOWN]].tolist(),
        "difference": float(difference.mean()),
        "low": low,
        "high": high,
        "p": p,
    }


def _log_choose(n: int, k: int) -> float:
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1)
