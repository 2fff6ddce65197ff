"""Learning to sort sounds."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.audio import Hearing, measure_bands, survey, vary_sounds
from training.class_target import ClassTarget
from training.device import Device
from training.events import Sample
from training.examples import Examples, Part
from training.media import allocate, given_file, spread, stored_bytes
from training.model_folder import load_network, read_config
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS, best_first
from training.report import Report
from training.softmax_regression import fit_softmax_regression
from training.sound_size import FRAMES_PER_SECOND, fit_sounds
from training.spec import TrainSpec

AT_ONCE = 256
"""Sounds that are heard together where nothing is learnt."""
FOR_STATISTICS = 2_000
"""Sounds of the train part that the bands' scales are computed from."""


class _ForSounds(Protocol):
    """The settings that every architecture for sounds has."""

    bands: int
    seconds: float


@OBJECTIVES.register("audio-classification")
class SoundClasses:
    """Cross-entropy over the classes of the target column; all sounds decoded once, as log-mel spectrograms."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.device = spec, device
        settings = cast(_ForSounds, spec.network())
        self.target = ClassTarget(spec, examples, device)
        used = np.unique(np.concatenate(list(examples.rows.values())))
        cells = stored_bytes(examples.frame[spec.column("sound")], used, what="sounds")
        rate, seconds = survey(cells)
        raw = Shapes(outputs=len(self.target.labels), width=math.ceil(seconds * FRAMES_PER_SECOND))
        self.shapes = fit_sounds(raw, bands=settings.bands, seconds=settings.seconds)
        hearing = Hearing(rate=rate, bands=self.shapes.height, frames=self.shapes.width)
        self.spectra = _hear_all(cells, hearing, model_folder.parent).to(device.torch)
        self.places = {
            part: torch.from_numpy(np.searchsorted(used, rows)).to(device.torch) for part, rows in examples.rows.items()
        }
        mean, std = measure_bands(self.spectra[spread(self.places["train"], FOR_STATISTICS)])
        self.hearing = replace(hearing, mean=mean, std=std)

    def initialise(self, model: nn.Module) -> None:
        pass  # nothing is computed from the sounds

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        examples = len(self.places["train"])
        order = torch.randperm(examples, generator=generator).to(self.device.torch)
        return list(order.tensor_split(max(1, round(examples / batch_size))))

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        recipe, chosen = self.spec.recipe, self.places["train"][indices]
        spectra = self.hearing.scale(self.spectra[chosen])
        if recipe.augment:
            spectra = vary_sounds(spectra, chosen, epoch=epoch, seed=recipe.seed)
        return F.cross_entropy(model(spectra), self.target.train[indices], label_smoothing=recipe.label_smoothing)

    @torch.no_grad()
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        return self.target.measures(part, self._scores(model, part))

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        train, test = self.places["train"], self.target.places("test", self.places["test"])
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
        return {"labels": self.target.labels, "hearing": asdict(self.hearing)}

    def _scores(self, model: nn.Module, part: Part) -> Tensor:
        """Scores of the part's sounds whose class is known: (n, classes)."""
        places = self.target.places(part, self.places[part])
        return torch.cat([model(self.hearing.scale(self.spectra[batch])).float() for batch in places.split(AT_ONCE)])

    def _summaries(self, places: Tensor) -> Tensor:
        """Mean and deviation of every band over time: (sounds, 2 × bands)."""
        heard = [self.hearing.scale(self.spectra[batch])[:, 0] for batch in places.split(AT_ONCE)]
        return torch.cat([torch.cat([one.mean(dim=2), one.std(dim=2)], dim=1) for one in heard])


@PREDICTORS.register("audio-classification")
class SoundPredictor:
    """Answers for sound files: {"audio": path}, heard as in the judgement."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        prepared = cast(dict[str, Any], read_config(folder)["preparation"])
        self.labels: list[str] = prepared["labels"]
        self.hearing = Hearing(**prepared["hearing"])
        self.model = load_network(folder).to(device.torch)
        self.device = device

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} per sound."""
        spectra = torch.stack([self.hearing.listen(given_file(one, "audio", what="sound")) for one in inputs])
        scores = self.model(self.hearing.scale(spectra.half().to(self.device.torch)))
        return [best_first(self.labels, row) for row in scores.double().softmax(dim=1).tolist()]


def _hear_all(cells: pl.Series, hearing: Hearing, folder: Path) -> Tensor:
    """The spectrograms of all sounds as 16-bit floats, (n, bands, frames)."""
    spectra = allocate((len(cells), hearing.bands, hearing.frames), np.float16, folder)
    for place, cell in enumerate(cast(Sequence[bytes], cells)):
        spectra[place] = hearing.listen(io.BytesIO(cell)).half().numpy()
    return torch.from_numpy(spectra)
