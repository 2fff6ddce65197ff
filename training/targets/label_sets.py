"""The labels of examples that may have several: read from their columns, as a matrix of zeros and ones, and judged."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training.data.label_columns import find_separator, split_labels
from training.errors import TrainingError
from training.evaluate import class_rows, hardest_examples, judge_measures, ranking_curves
from training.measures import Floats, Ints
from training.objectives import Guess
from training.report import Curve, Report
from training.resampling import Measure, Weights, weighted_mean
from training.tasks import Task

MOST_LABELS = 1000
MOST_CURVES = 10
LIKELY = 0.5
"""Probability from which a label is said."""


def read_label_sets(frame: pl.DataFrame, columns: Sequence[str]) -> list[list[str]]:
    """The labels of every row: what its cell lists, or the names of the columns that say yes."""
    if len(columns) == 1 and frame[columns[0]].dtype == pl.String:
        cells = frame[columns[0]].to_list()
        separator = find_separator(cell for cell in cells if cell)
        return [split_labels(cell, separator) if cell else [] for cell in cells]
    said = [(frame[name].cast(pl.Float64).fill_null(0) > 0).to_list() for name in columns]
    return [[name for name, yes in zip(columns, row, strict=True) if yes] for row in zip(*said, strict=True)]


def learn_label_sets(found: Sequence[Sequence[str]], columns: Sequence[str]) -> list[str]:
    """The labels of the train part in order; raises TrainingError if there is nothing to tell apart."""
    labels = sorted({label for row in found for label in row})
    where = ", ".join(f"“{name}”" for name in columns[:3])
    if not labels or all(len(row) == len(labels) for row in found):
        raise TrainingError(
            f"All examples to learn from have the same labels in {where}.",
            "Choose a column with lists of labels, or several columns that say yes or no.",
            code="one_class",
        )
    if len(labels) > MOST_LABELS:
        raise TrainingError(
            f"{where} names {len(labels):,} different labels, too many to learn.",
            "Choose another column, or keep the labels that matter.",
            code="too_many_classes",
        )
    return labels


def encode_label_sets(found: Sequence[Sequence[str]], labels: Sequence[str]) -> Floats:
    """1 where a row has the label, else 0: (rows, labels); labels that are not known are left out."""
    places = {label: place for place, label in enumerate(labels)}
    truth = np.zeros((len(found), len(labels)))
    for row, names in enumerate(found):
        truth[row, [places[name] for name in names if name in places]] = 1.0
    return truth


def commonest(truth: Floats, labels: Sequence[str], examples: int) -> Guess:
    """The baseline that always gives the commonest label, and every other that most examples have."""
    shares = truth.mean(axis=0)
    most = int(shares.argmax())
    answers = np.where(np.arange(len(labels)) == most, np.maximum(shares, LIKELY), shares)
    return Guess(
        key="majority",
        title=f"Always saying “{labels[most]}”",
        about="What comes out without looking at the text: the commonest label every time.",
        answers=np.tile(answers, (examples, 1)),
    )


def label_measures(truth: Floats, probabilities: Floats) -> dict[str, float]:
    """Loss (nats per label) and every measure of probabilities (n, labels) against zeros and ones, for a curve."""
    everything = np.ones((1, len(truth)))
    measured = {name: float(one(everything)[0]) for name, one in label_estimators(truth, probabilities).items()}
    return {"loss": float(_nats(truth, probabilities).mean()), **measured}


def label_estimators(truth: Floats, probabilities: Floats) -> dict[str, Measure]:
    """Every measure of several labels by its key, headline first."""
    said = (probabilities >= LIKELY).astype(np.float64)
    hits, total = truth * said, truth + said
    return {
        "micro_f1": _f1(hits.sum(axis=1, keepdims=True), total.sum(axis=1, keepdims=True)),
        "macro_f1": _f1(hits, total),
        "exact_match": weighted_mean((said == truth).all(axis=1).astype(np.float64)),
    }


def judge_label_sets(
    *,
    task: type[Task],
    labels: Sequence[str],
    truth: Floats,
    probabilities: Floats,
    ids: Ints,
    rows: Ints,
    guesses: Sequence[Guess],
) -> tuple[Report, pl.DataFrame]:
    """The report on several labels at once, and one row per held-out example.

    `truth` and `probabilities` are (n, labels); `ids` and `rows` (n,) name the examples.
    """
    there, said = truth > 0, probabilities >= LIKELY
    predictions = pl.DataFrame(
        {
            "id": ids,
            "row": rows,
            "truth": [in_words(labels, row) for row in there],
            "prediction": [in_words(labels, row) for row in said],
            "confidence": np.maximum(probabilities, 1 - probabilities).prod(axis=1),
            "loss": _nats(truth, probabilities).sum(axis=1),
            "correct": (said == there).all(axis=1),
        }
    )
    rivals = {guess.key: label_estimators(truth, guess.answers) for guess in guesses}
    report = judge_measures(task, label_estimators(truth, probabilities), rivals, guesses, len(truth)).model_copy(
        update={
            "classes": class_rows(
                labels,
                hits=(there & said).sum(axis=0),
                there=there.sum(axis=0),
                said=said.sum(axis=0),
            ),
            "curves": _curves(labels, there, probabilities) if len(labels) <= MOST_CURVES else [],
            "hardest": hardest_examples(predictions.sort("loss", descending=True)),
        }
    )
    return report, predictions


def in_words(labels: Sequence[str], there: Sequence[bool]) -> str:
    """The labels that are there, with commas between; a dash for none."""
    return ", ".join(label for label, yes in zip(labels, there, strict=True) if yes) or "—"


def _f1(hits: Floats, total: Floats) -> Measure:
    """F1 (Dice) for every column of counts per example (n, columns), averaged over the columns that occur."""

    def measure(weights: Weights) -> Floats:
        found, there = weights @ hits, weights @ total
        scores = np.divide(2 * found, there, out=np.zeros_like(there), where=there > 0)
        return np.asarray(scores.sum(axis=1) / np.maximum((there > 0).sum(axis=1), 1))

    return measure


def _nats(truth: Floats, probabilities: Floats) -> Floats:
    """Surprise at every label of every example (n, labels)."""
    return np.asarray(-np.log(np.clip(np.where(truth > 0, probabilities, 1 - probabilities), 1e-16, 1.0)))


def _curves(labels: Sequence[str], there: NDArray[np.bool_], probabilities: Floats) -> list[Curve]:
    """Those of every label that some of the examples have and some have not."""
    columns = zip(labels, there.T, probabilities.T, strict=True)
    mixed = [column for column in columns if column[1].any() and not column[1].all()]
    return [curve for label, positive, scores in mixed for curve in ranking_curves(label, positive, scores)]
