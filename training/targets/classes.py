"""The classes that a column names: learnt from the train part, and what answers to them are worth."""

from __future__ import annotations

import polars as pl
import torch
from torch import Tensor

from training.device import Device
from training.evaluate import judge_classes
from training.examples import Examples, Part
from training.measures import Floats, class_measures
from training.objectives import Guess
from training.report import Report
from training.spec import TrainSpec
from training.targets import labels


class ClassTarget:
    """The target column of a classification as class numbers per part; classes that only others have are left out."""

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device) -> None:
        self.task, self.examples = spec.kind(), examples
        column = spec.column("target")
        names = {part: labels.as_names(examples.column(column, part)) for part in examples.rows}
        self.labels = labels.learn_labels(names["train"], column)
        self.truth = {part: labels.encode(names[part], self.labels) for part in names}
        self.known = {part: truth >= 0 for part, truth in self.truth.items()}
        self.train = torch.from_numpy(self.truth["train"]).to(device.torch)

    def places(self, part: Part, places: Tensor) -> Tensor:
        """Of the places of a whole part (n,) those whose class is known."""
        return places[torch.from_numpy(self.known[part]).to(places.device)]

    def majority(self) -> Guess:
        """The baseline that never looks at an example."""
        return labels.majority(self.truth["train"], self.labels, int(self.known["test"].sum()))

    def measures(self, part: Part, scores: Tensor) -> dict[str, float]:
        """Loss and a few measures of scores (n, classes) for the examples of a part whose class is known."""
        return class_measures(self.truth[part][self.known[part]], probabilities(scores))

    def judge(self, scores: Tensor, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        """The report on scores (n, classes) for the examples of the test part whose class is known."""
        known = self.known["test"]
        rows = self.examples.rows["test"][known]
        return judge_classes(
            task=self.task,
            labels=self.labels,
            truth=self.truth["test"][known],
            probabilities=probabilities(scores),
            ids=self.examples.ids[rows],
            rows=rows,
            guesses=guesses,
        )


def probabilities(scores: Tensor) -> Floats:
    """Softmax of scores (n, classes) in double precision, as numpy."""
    return scores.double().softmax(dim=1).cpu().numpy()
