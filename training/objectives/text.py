"""Learning to sort texts."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import polars as pl
import torch
from scipy.special import logsumexp, softmax
from torch import Tensor, nn

from training.device import Device
from training.examples import Examples, Part
from training.measures import Floats
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS, best_first
from training.report import Report
from training.spec import TrainSpec
from training.targets.classes import ClassTarget
from training.techniques.losses import class_loss, class_weights
from training.texts.counted_teachers import Classes
from training.texts.whole_texts import TextReader, WholeTexts


@OBJECTIVES.register("text-classification")
class TextClasses(WholeTexts):
    """Cross-entropy over the classes of the target column."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.target = ClassTarget(spec, examples, device)
        teacher = Classes(self.target.truth["train"], len(self.target.labels))
        super().__init__(spec, examples, device, model_folder, teacher)
        self.weights = class_weights(self.target.train, teacher.outputs, spec.recipe)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        scores = self.batch_scores(model, indices)
        return class_loss(scores, self.target.train[indices.to(scores.device)], self.spec.recipe, self.weights)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        return self.target.measures(part, self._known_scores(model, part))

    def baselines(self) -> list[Guess]:
        known = self.target.known["test"]
        linear = self.linear_guess(lambda scores: np.asarray(softmax(scores[known], axis=1)))
        return [self.target.majority(), *linear]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        report, predictions = self.target.judge(self._known_scores(model, "test"), guesses)
        return report.model_copy(update={"facts": self.facts()}), predictions

    def preparation(self) -> dict[str, object]:
        return {"labels": self.target.labels, **self.prepared()}

    def _known_scores(self, model: nn.Module, part: Part) -> Tensor:
        return torch.from_numpy(self.scores(model, part)[self.target.known[part]])


@PREDICTORS.register("text-classification")
class TextPredictor(TextReader):
    """Answers for texts; {"explain": true} adds the words that mattered."""

    key: ClassVar[str]

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} per text, with "words" {word, start, weight} where that is asked for."""
        labels, texts = cast(list[str], self.prepared["labels"]), [self.text(row) for row in inputs]
        answers = [best_first(labels, row) for row in softmax(self.scores(texts), axis=1).tolist()]
        if options.get("explain"):
            for text, answer in zip(texts, answers, strict=True):
                number = labels.index(cast(str, answer["label"]))
                answer["words"] = self.words_that_mattered(text, partial(_log_odds, number))
        return answers


def _log_odds(number: int, scores: Floats) -> Floats:
    """How much likelier one class is than all others together, as a logarithm: (texts,)."""
    return np.asarray(scores[:, number] - logsumexp(np.delete(scores, number, axis=1), axis=1))
