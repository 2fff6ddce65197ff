"""Learning to sort sounds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar

import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.device import Device
from training.events import Sample
from training.examples import Examples, Part
from training.media.heard import Heard
from training.media.predictors import HearsFiles
from training.models.softmax_regression import fit_softmax_regression
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS, best_first
from training.report import Report
from training.spec import TrainSpec
from training.targets.classes import ClassTarget


@OBJECTIVES.register("audio-classification")
class SoundClasses:
    """Cross-entropy over the classes of the target column; all sounds decoded once, as log-mel spectrograms."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec = spec
        self.target = ClassTarget(spec, examples, device)
        self.heard = Heard(spec, examples, device, model_folder.parent, outputs=len(self.target.labels))
        self.shapes = self.heard.shapes

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.heard.epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        smoothing = self.spec.recipe.label_smoothing
        scores = model(self.heard.batch(indices, epoch))
        return F.cross_entropy(scores, self.target.train[indices], label_smoothing=smoothing)

    @torch.no_grad()
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        return self.target.measures(part, self._scores(model, part))

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        train, test = self.heard.places["train"], self.target.places("test", self.heard.places["test"])
        answer = fit_softmax_regression(self._summaries(train), self.target.train, len(self.target.labels))
        linear = Guess(
            key="linear",
            title="Linear model on the mean spectrum",
            about="Weighs how strong each pitch is on average and how much it varies; hears no order.",
            answers=answer(self._summaries(test)),
        )
        return [self.target.majority(), linear]

    @torch.no_grad()
    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        return self.target.judge(self._scores(model, "test"), guesses)

    def preparation(self) -> dict[str, object]:
        return {"labels": self.target.labels, "hearing": asdict(self.heard.hearing)}

    def _scores(self, model: nn.Module, part: Part) -> Tensor:
        """Scores of the part's sounds whose class is known: (n, classes)."""
        places = self.target.places(part, self.heard.places[part])
        return torch.cat([model(self.heard.scaled(batch)).float() for batch in places.split(self.heard.at_once)])

    def _summaries(self, places: Tensor) -> Tensor:
        """Mean and deviation of every band over time: (sounds, 2 × bands)."""
        heard = [self.heard.pitches(batch) for batch in places.split(self.heard.at_once)]
        return torch.cat([torch.cat([one.mean(dim=2), one.std(dim=2)], dim=1) for one in heard])


@PREDICTORS.register("audio-classification")
class SoundPredictor(HearsFiles):
    """Answers for sound files: {"audio": path}, heard as in the judgement."""

    key: ClassVar[str]

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} per sound."""
        chances = self.scores(inputs).double().softmax(dim=1).tolist()
        return [best_first(self.prepared["labels"], row) for row in chances]
