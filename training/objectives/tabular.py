"""Learning from tables: a category or a number from the other columns of the row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training import labels
from training.architectures import Shapes
from training.device import Device
from training.errors import TrainingError
from training.evaluate import judge_classes, judge_values
from training.events import Sample
from training.examples import Examples, Part
from training.measures import Floats, class_measures, value_measures
from training.model_folder import load_network, read_config
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS, best_first
from training.report import Report
from training.spec import TrainSpec
from training.tables import TableEncoding, learn_encoding
from training.verdict import plain_number

AT_ONCE = 8192
"""Rows per batch where nothing is learnt."""


class _Table:
    """What classification and regression share: the encoded rows of all parts on the device."""

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        features = examples.frame.select(spec.roles["features"])
        self.encoding = learn_encoding(features[examples.rows["train"]])
        numbers, codes = self.encoding.encode(features)
        self.numbers = {part: self._tensor(numbers[rows]) for part, rows in examples.rows.items()}
        self.codes = {part: self._tensor(codes[rows]) for part, rows in examples.rows.items()}

    def initialise(self, model: nn.Module) -> None:
        pass  # tables start from plain random weights

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        rows = len(self.numbers["train"])
        order = torch.randperm(rows, generator=generator).to(self.device.torch)
        batches = list(order.split(batch_size))
        if len(batches) > 1 and len(batches[-1]) == 1:  # batch normalisation cannot work with one row
            batches[-2:] = [torch.cat(batches[-2:])]
        return batches

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def scores(self, model: nn.Module, part: Part) -> Tensor:
        """The network's raw answers on one part: (rows, outputs)."""
        with torch.no_grad():
            batches = zip(self.numbers[part].split(AT_ONCE), self.codes[part].split(AT_ONCE), strict=True)
            return torch.cat([model(numbers, codes) for numbers, codes in batches])

    def _answer(self, model: nn.Module, indices: Tensor) -> Tensor:
        scores: Tensor = model(self.numbers["train"][indices], self.codes["train"][indices])
        return scores

    def _tensor(self, values: np.ndarray) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(values)).to(self.device.torch)


@OBJECTIVES.register("tabular-classification")
class TableClasses(_Table):
    """Cross-entropy over the classes of the target column."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        super().__init__(spec, examples, device)
        target = spec.column("target")
        names = {part: labels.as_names(examples.column(target, part)) for part in examples.rows}
        self.labels = labels.learn_labels(names["train"], target)
        self.truth = {part: labels.encode(names[part], self.labels) for part in names}
        self.targets = {part: self._tensor(truth) for part, truth in self.truth.items()}
        self.shapes = Shapes(outputs=len(self.labels), numbers=self.encoding.width, categories=self.encoding.sizes)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        targets = self.targets["train"][indices]
        return F.cross_entropy(self._answer(model, indices), targets, label_smoothing=self.spec.recipe.label_smoothing)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        known = self.truth[part] >= 0
        return class_measures(self.truth[part][known], self._probabilities(model, part)[known])

    def baselines(self) -> list[Guess]:
        known = int((self.truth["test"] >= 0).sum())
        return [labels.majority(self.truth["train"], self.labels, known)]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        known = self.truth["test"] >= 0
        rows = self.examples.rows["test"][known]
        return judge_classes(
            task=self.spec.kind(),
            labels=self.labels,
            truth=self.truth["test"][known],
            probabilities=self._probabilities(model, "test")[known],
            ids=self.examples.ids[rows],
            rows=rows,
            guesses=guesses,
        )

    def preparation(self) -> dict[str, object]:
        return {"encoding": self.encoding.model_dump(mode="json"), "labels": self.labels}

    def _probabilities(self, model: nn.Module, part: Part) -> Floats:
        return self.scores(model, part).softmax(dim=1).double().cpu().numpy()


@OBJECTIVES.register("tabular-regression")
class TableValues(_Table):
    """Squared error of the standardised target."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        super().__init__(spec, examples, device)
        target = spec.column("target")
        if not examples.frame[target].dtype.is_numeric():
            raise TrainingError(
                f"“{target}” holds words, and this task predicts a number.",
                "Choose a numeric column, or the task “Predict a category from a table”.",
                code="text_target",
            )
        self.truth = {part: examples.column(target, part).cast(pl.Float64).to_numpy() for part in examples.rows}
        self.center, self.scale = float(self.truth["train"].mean()), float(self.truth["train"].std()) or 1.0
        self.targets = {
            part: self._tensor(((truth - self.center) / self.scale).astype(np.float32))
            for part, truth in self.truth.items()
        }
        self.shapes = Shapes(outputs=1, numbers=self.encoding.width, categories=self.encoding.sizes)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        return F.mse_loss(self._answer(model, indices).squeeze(1), self.targets["train"][indices])

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        predicted = self._values(model, part)
        squared = ((predicted - self.truth[part]) / self.scale) ** 2
        return {"loss": float(squared.mean()), **value_measures(self.truth[part], predicted)}

    def baselines(self) -> list[Guess]:
        return [
            Guess(
                key="mean",
                title=f"Always saying the mean, {plain_number(self.center)}",
                about="What comes out without looking at the row.",
                answers=np.full(len(self.truth["test"]), self.center),
            )
        ]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        rows = self.examples.rows["test"]
        return judge_values(
            task=self.spec.kind(),
            truth=self.truth["test"],
            predicted=self._values(model, "test"),
            ids=self.examples.ids[rows],
            rows=rows,
            guesses=guesses,
        )

    def preparation(self) -> dict[str, object]:
        return {"encoding": self.encoding.model_dump(mode="json"), "center": self.center, "scale": self.scale}

    def _values(self, model: nn.Module, part: Part) -> Floats:
        scaled = self.scores(model, part).squeeze(1).double().cpu().numpy()
        return np.asarray(scaled * self.scale + self.center)


@PREDICTORS.register("tabular-classification")
@PREDICTORS.register("tabular-regression")
class TablePredictor:
    """Answers for rows typed into a form: {"column": value}; what is left out counts as missing."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        self.preparation = read_config(folder)["preparation"]
        self.encoding = TableEncoding.model_validate(self.preparation["encoding"])  # type: ignore[index]
        self.model = load_network(folder).to(device.torch)
        self.device = device

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} or {"value"} per row."""
        numbers, codes = self.encoding.encode(self._frame(inputs))
        device = self.device.torch
        scores = self.model(torch.from_numpy(numbers).to(device), torch.from_numpy(codes).to(device)).double().cpu()
        prepared: dict[str, object] = self.preparation  # type: ignore[assignment]
        if "labels" in prepared:
            return [best_first(prepared["labels"], row) for row in scores.softmax(dim=1).tolist()]  # type: ignore[arg-type]
        return [{"value": score * prepared["scale"] + prepared["center"]} for score in scores[:, 0].tolist()]

    def _frame(self, inputs: list[dict[str, object]]) -> pl.DataFrame:
        columns: dict[str, pl.Series] = {}
        for number in self.encoding.numbers:
            values = [_number(row.get(number.name), number.name) for row in inputs]
            columns[number.name] = pl.Series(number.name, values, dtype=pl.Float64)
        for category in self.encoding.categories:
            names = [_name(row.get(category.name)) for row in inputs]
            columns[category.name] = pl.Series(category.name, names, dtype=pl.String)
        return pl.DataFrame(columns)


def _number(value: object, column: str) -> float | None:
    if value is None or value == "":
        return None
    try:
        return float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError) as error:
        raise TrainingError(f"“{column}” takes a number, not “{value}”.", "Type a number or leave it empty.") from error


def _name(value: object) -> str | None:
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value not in (None, "") else None
