"""The number that a column holds: its scale from the train part, and what answers to it are worth."""

from __future__ import annotations

import numpy as np
import polars as pl

from training.errors import TrainingError
from training.evaluate import judge_values
from training.examples import Examples, Part
from training.measures import Floats, value_measures
from training.objectives import Guess
from training.report import Report
from training.spec import TrainSpec
from training.verdict import plain_number


class ValueTarget:
    """The target column of a regression, in its own unit."""

    def __init__(self, spec: TrainSpec, examples: Examples) -> None:
        self.task, self.examples = spec.kind(), examples
        column = spec.column("target")
        if not examples.frame[column].dtype.is_numeric():
            raise TrainingError(
                f"“{column}” holds words, and this task predicts a number.",
                "Choose a numeric column, or a task that predicts a category.",
                code="text_target",
            )
        self.truth = {part: examples.column(column, part).cast(pl.Float64).to_numpy() for part in examples.rows}
        self.center, self.scale = float(self.truth["train"].mean()), float(self.truth["train"].std()) or 1.0

    def scaled(self, part: Part) -> Floats:
        """The numbers (n,) with a mean of zero and a standard deviation of one over the train part."""
        return (self.truth[part] - self.center) / self.scale

    def mean(self) -> Guess:
        """The baseline that never looks at an example."""
        return Guess(
            key="mean",
            title=f"Always saying the mean, {plain_number(self.center)}",
            about="What comes out without looking at the example.",
            answers=np.full(len(self.truth["test"]), self.center),
        )

    def measures(self, part: Part, predicted: Floats) -> dict[str, float]:
        """Loss (of the standardised target) and every measure of predicted numbers (n,), for a curve."""
        squared = ((predicted - self.truth[part]) / self.scale) ** 2
        return {"loss": float(squared.mean()), **value_measures(self.truth[part], predicted)}

    def judge(self, predicted: Floats, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        """The report on predicted numbers (n,) for the test part."""
        rows = self.examples.rows["test"]
        return judge_values(
            task=self.task,
            truth=self.truth["test"],
            predicted=predicted,
            ids=self.examples.ids[rows],
            rows=rows,
            guesses=guesses,
        )
