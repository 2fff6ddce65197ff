"""Learning to read a number out of a text."""

from __future__ import annotations

from operator import itemgetter
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn

from training.device import Device
from training.examples import Examples, Part
from training.measures import Floats
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS
from training.report import Report
from training.spec import TrainSpec
from training.targets.values import ValueTarget
from training.techniques.losses import value_loss
from training.texts.counted_teachers import Values
from training.texts.whole_texts import TextReader, WholeTexts


@OBJECTIVES.register("text-regression")
class TextValues(WholeTexts):
    """Squared error of the standardised target."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.target = ValueTarget(spec, examples)
        scaled = self.target.scaled("train")
        super().__init__(spec, examples, device, model_folder, Values(scaled))
        self.targets = torch.from_numpy(scaled).float().to(device.torch)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        scores = self.batch_scores(model, indices).squeeze(1)
        return value_loss(scores, self.targets[indices.to(scores.device)], self.spec.recipe)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        return self.target.measures(part, self._values(self.scores(model, part)))

    def baselines(self) -> list[Guess]:
        return [self.target.mean(), *self.linear_guess(self._values)]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        report, predictions = self.target.judge(self._values(self.scores(model, "test")), guesses)
        return report.model_copy(update={"facts": self.facts()}), predictions

    def preparation(self) -> dict[str, object]:
        return {"center": self.target.center, "scale": self.target.scale, **self.prepared()}

    def _values(self, scores: Floats) -> Floats:
        return np.asarray(scores[:, 0] * self.target.scale + self.target.center)


@PREDICTORS.register("text-regression")
class ValuesPredictor(TextReader):
    """Answers for texts; {"explain": true} adds the words that raised or lowered the number."""

    key: ClassVar[str]

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"value"} per text, in the target's unit."""
        texts = [self.text(row) for row in inputs]
        center, scale = cast(float, self.prepared["center"]), cast(float, self.prepared["scale"])
        answers: list[dict[str, object]] = [
            {"value": score * scale + center} for score in self.scores(texts)[:, 0].tolist()
        ]
        if options.get("explain"):
            for text, answer in zip(texts, answers, strict=True):
                answer["words"] = self.words_that_mattered(text, itemgetter((slice(None), 0)))
        return answers
