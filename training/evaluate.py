"""From held-out answers to the report: measures with intervals, baselines beside them, examples that went wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
import polars as pl
from numpy.typing import NDArray

from training import verdict
from training.measures import (
    Floats,
    Ints,
    class_estimators,
    confusion_counts,
    nats,
    value_estimators,
)
from training.report import Baseline, ClassRow, Confusion, Curve, Estimate, HardExample, Report, Verdict
from training.resampling import Measure, bootstrap, difference, doubted
from training.tasks import Metric, Task

if TYPE_CHECKING:
    from training.objectives import Guess

HARDEST = 100
CURVE_POINTS = 200


def judge_classes(
    *,
    task: type[Task],
    labels: Sequence[str],
    truth: Ints,
    probabilities: Floats,
    ids: Ints,
    rows: Ints,
    guesses: Sequence[Guess],
) -> tuple[Report, pl.DataFrame]:
    """The report of a classification, and one row per held-out example.

    `truth` (n,) are class numbers, `probabilities` (n, classes); `ids` and `rows` (n,) name the examples.
    """
    measures = class_estimators(truth, probabilities)
    rivals = {guess.key: class_estimators(truth, guess.answers) for guess in guesses}
    predicted, losses = probabilities.argmax(axis=1), nats(truth, probabilities)
    confidence = probabilities.max(axis=1)
    names = np.asarray(labels, dtype=object)
    predictions = pl.DataFrame(
        {
            "id": ids,
            "row": rows,
            "truth": names[truth].tolist(),
            "prediction": names[predicted].tolist(),
            "confidence": confidence,
            "loss": losses,
            "correct": predicted == truth,
        }
    )
    counts = confusion_counts(truth, predicted, len(labels), np.ones((1, len(truth))))[0].astype(np.int64)
    report = judge_measures(task, measures, rivals, guesses, len(truth)).model_copy(
        update={
            "confusion": Confusion(labels=list(labels), counts=counts.tolist()),
            "classes": class_rows(labels, hits=counts.diagonal(), there=counts.sum(axis=1), said=counts.sum(axis=0)),
            "curves": _class_curves(labels, truth, probabilities),
            "hardest": hardest_examples(predictions.sort("loss", descending=True)),
        }
    )
    return report, predictions


def judge_values(
    *, task: type[Task], truth: Floats, predicted: Floats, ids: Ints, rows: Ints, guesses: Sequence[Guess]
) -> tuple[Report, pl.DataFrame]:
    """The report of a regression, and one row per held-out example; all values in the target's unit."""
    measures = value_estimators(truth, predicted)
    rivals = {guess.key: value_estimators(truth, guess.answers) for guess in guesses}
    predictions = pl.DataFrame(
        {
            "id": ids,
            "row": rows,
            "truth": truth,
            "prediction": predicted,
            "error": predicted - truth,
            "loss": np.abs(predicted - truth),
        }
    )
    some = np.random.default_rng(0).permutation(len(truth))[:500]
    scatter = Curve(
        key="predicted-true", title="Predicted against true", x_title="True value", y_title="Predicted value",
        x=truth[some].tolist(), y=predicted[some].tolist(),
    )  # fmt: skip
    report = judge_measures(task, measures, rivals, guesses, len(truth)).model_copy(
        update={"curves": [scatter], "hardest": hardest_examples(predictions.sort("loss", descending=True))}
    )
    return report, predictions


def judge_headline(
    task: type[Task], measure: Measure, rivals: Mapping[str, Measure], baselines: Sequence[Baseline], examples: int
) -> Verdict:
    """The verdict on the task's headline against the strongest of `baselines`, compared on the same examples."""
    metric = task.headline()
    best = baselines[0]
    sign = 1.0 if metric.higher_is_better else -1.0
    advantage = difference(
        lambda weights: sign * measure(weights), lambda weights: sign * rivals[best.key](weights), examples
    )
    (estimate,) = _estimates(task, {metric.key: measure}, examples).values()
    return verdict.judge(metric, estimate, best, advantage, examples)


def strongest_first(baselines: Sequence[Baseline], metric: Metric) -> list[Baseline]:
    """Baselines in the order of their value on one measure."""
    return sorted(baselines, key=lambda one: one.metrics[metric.key].value, reverse=metric.higher_is_better)


def judge_measures(
    task: type[Task],
    measures: Mapping[str, Measure],
    rivals: Mapping[str, Mapping[str, Measure]],
    guesses: Sequence[Guess],
    examples: int,
) -> Report:
    """A report of the measures with their intervals, the baselines and the verdict; the rest is for the caller."""
    baselines = [
        Baseline(
            key=guess.key, title=guess.title, about=guess.about, metrics=_estimates(task, rivals[guess.key], examples)
        )
        for guess in guesses
    ]
    headline = task.headline()
    ordered = strongest_first(baselines, headline)
    to_beat = {key: rival[headline.key] for key, rival in rivals.items()}
    return Report(
        task=task.key,
        headline=headline.key,
        rows={},
        metrics=_estimates(task, measures, examples),
        baselines=ordered,
        verdict=judge_headline(task, measures[headline.key], to_beat, ordered, examples),
    )


def _estimates(task: type[Task], measures: Mapping[str, Measure], examples: int) -> dict[str, Estimate]:
    found = {name: bootstrap(measure, examples) for name, measure in measures.items()}
    shares = {metric.key for metric in task.metrics if metric.percent}
    return {name: doubted(one, examples) if name in shares else one for name, one in found.items()}


def class_rows(labels: Sequence[str], *, hits: Ints, there: Ints, said: Ints) -> list[ClassRow]:
    """Precision, recall and F1 of each label from how often it was found, was there and was said (labels,)."""
    rows = []
    for label, found, true, claimed in zip(labels, hits.tolist(), there.tolist(), said.tolist(), strict=True):
        recall, precision = found / true if true else 0.0, found / claimed if claimed else 0.0
        f1 = 2 * found / (true + claimed) if true + claimed else 0.0
        rows.append(ClassRow(label=label, count=true, precision=precision, recall=recall, f1=f1))
    return rows


def hardest_examples(worst_first: pl.DataFrame) -> list[HardExample]:
    """The first rows of the predictions, which the caller has put in order."""
    return [
        HardExample(
            id=str(row["id"]),
            row=row["row"],
            truth=_short(row["truth"]),
            prediction=_short(row["prediction"]),
            confidence=row.get("confidence"),
            loss=row["loss"],
        )
        for row in worst_first.head(HARDEST).to_dicts()
    ]


def _short(value: object) -> str:
    return f"{value:,.6g}" if isinstance(value, float) else str(value)


def _class_curves(labels: Sequence[str], truth: Ints, probabilities: Floats) -> list[Curve]:
    """ROC and precision-recall of the class a person looks for (two classes: the rarer), and the calibration."""
    curves = [_calibration(truth, probabilities)]
    if len(labels) > 10:
        return curves
    wanted = [int(np.bincount(truth, minlength=2).argmin())] if len(labels) == 2 else range(len(labels))
    for number in wanted:
        positive = truth == number
        if positive.any() and not positive.all():
            curves += ranking_curves(labels[number], positive, probabilities[:, number])
    return curves


def ranking_curves(label: str, positive: NDArray[np.bool_], scores: Floats) -> list[Curve]:
    """ROC and precision-recall of scores (n,) for one label that is there or not (n,), at least once each."""
    order = np.argsort(-scores, kind="stable")
    hits = np.cumsum(positive[order])
    misses = np.cumsum(~positive[order])
    points = np.unique(np.linspace(0, len(hits) - 1, CURVE_POINTS).astype(int))
    found, alarms = hits / hits[-1], misses / misses[-1]
    precision = hits / np.arange(1, len(hits) + 1)
    return [
        Curve(
            key="roc", title="ROC", label=label, x_title="Share of false alarms", y_title="Share found",
            x=[0.0, *alarms[points].tolist()], y=[0.0, *found[points].tolist()],
        ),
        Curve(
            key="pr", title="Precision and recall", label=label, x_title="Share found", y_title="Share right",
            x=found[points].tolist(), y=precision[points].tolist(),
        ),
    ]  # fmt: skip


def _calibration(truth: Ints, probabilities: Floats) -> Curve:
    """How often the model is right when it is so sure, in ten bins of equal width that hold an example."""
    confidence, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == truth
    bins = np.minimum((confidence * 10).astype(int), 9)
    filled = [number for number in range(10) if (bins == number).any()]
    return Curve(
        key="calibration", title="Calibration", x_title="How sure the model is", y_title="How often it is right",
        x=[float(confidence[bins == number].mean()) for number in filled],
        y=[float(right[bins == number].mean()) for number in filled],
    )  # fmt: skip
