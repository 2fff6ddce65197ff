"""Learning to sort pictures."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import ClassVar, Protocol, cast, runtime_checkable

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.device import Device
from training.events import Sample
from training.examples import Examples, Part
from training.media.encoded import Encoded, allocate, spread, stored_bytes
from training.media.images import THUMBNAIL, Viewing, decode_picture, measure_channels, mix, survey, thumbnails, vary
from training.media.occlusion import draw_region, occlude
from training.media.picture_size import SMALL_SIDE, fit_pictures
from training.media.predictors import SeesFiles
from training.models.softmax_regression import fit_softmax_regression
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS, best_first
from training.report import Report
from training.spec import TrainSpec
from training.targets.classes import ClassTarget

SHIFT = 2
"""Pixels by which a picture of 32 pixels is moved at most; larger ones in proportion."""
FOR_STATISTICS = 2_000
"""Pictures of the train part that scales and the first layer are computed from."""
FOR_LINEAR = 20_000
"""Pictures of the train part that the linear baseline learns from."""


class _ForPictures(Protocol):
    """The setting that every architecture for pictures has."""

    image_size: int


@runtime_checkable
class _BeginsSmall(Protocol):
    """Settings that ask for small pictures in this share of the training, as in M. Tan and Q. Le, "EfficientNetV2"."""

    small_first: float


@runtime_checkable
class _ComputesFirstLayer(Protocol):
    """A network whose first layer is computed from normalised pictures (N, C, H, W) of the train part."""

    def learn_first_layer(self, pictures: Tensor) -> None: ...


@OBJECTIVES.register("image-classification")
class PictureClasses:
    """Cross-entropy over the classes of the target column; all pictures decoded once, as bytes."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        settings = spec.network()
        self.target = ClassTarget(spec, examples, device)
        used = np.unique(np.concatenate(list(examples.rows.values())))
        cells = stored_bytes(examples.frame[spec.column("image")], used, what="pictures")
        channels, height, width = survey(cells)
        raw = Shapes(outputs=len(self.target.labels), channels=channels, height=height, width=width)
        self.shapes = fit_pictures(raw, cast(_ForPictures, settings).image_size)
        self.pictures = _decode_all(cells, self.shapes, model_folder.parent).to(device.torch)
        self.places = {
            part: torch.from_numpy(np.searchsorted(used, rows)).to(device.torch) for part, rows in examples.rows.items()
        }
        mean, std = measure_channels(self.pictures[spread(self.places["train"], FOR_STATISTICS)])
        longer = max(self.shapes.height, self.shapes.width)
        self.viewing = Viewing(
            mean=mean,
            std=std,
            shift=max(1, round(SHIFT * longer / 32)) if spec.recipe.augment else 0,
            mirror=spec.recipe.augment and channels == 3,  # a mirrored digit or letter is another one
        )
        self.small_epochs = spec.recipe.epochs * settings.small_first if isinstance(settings, _BeginsSmall) else 0.0

    def initialise(self, model: nn.Module) -> None:
        if isinstance(model, _ComputesFirstLayer):
            model.learn_first_layer(self.viewing.scale(self.pictures[spread(self.places["train"], FOR_STATISTICS)]))

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        examples = len(self.places["train"])
        order = torch.randperm(examples, generator=generator).to(self.device.torch)
        return list(order.tensor_split(max(1, round(examples / batch_size))))

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        recipe, chosen = self.spec.recipe, self.places["train"][indices]
        if recipe.augment:
            pictures = vary(
                self.pictures,
                chosen,
                epoch=epoch,
                seed=recipe.seed,
                shift=self.viewing.shift,
                mirror=self.viewing.mirror,
            )
        else:
            pictures = self.pictures[chosen]
        seen, targets = self._small(self.viewing.scale(pictures), epoch), self.target.train[indices]
        if recipe.mix == "none":
            return F.cross_entropy(model(seen), targets, label_smoothing=recipe.label_smoothing)
        mixed, partners, own = mix(seen, recipe.mix)
        scores, both = model(mixed), ((targets, own), (targets[partners], 1 - own))
        losses = [share * F.cross_entropy(scores, one, label_smoothing=recipe.label_smoothing) for one, share in both]
        return torch.stack(losses).sum()

    @torch.no_grad()
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        batches = self._batches(self.target.places(part, self.places[part]))
        scores = torch.cat([model(self.viewing.scale(self.pictures[batch])) for batch in batches])
        return self.target.measures(part, scores)

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        some = spread(torch.arange(len(self.places["train"])), FOR_LINEAR).to(self.device.torch)
        answer = fit_softmax_regression(
            self._thumbnails(self.places["train"][some]), self.target.train[some], len(self.target.labels)
        )
        linear = Guess(
            key="linear",
            title="Linear model on the pixels",
            about=f"Weighs the pixels of a picture at {THUMBNAIL} × {THUMBNAIL} and adds them up; sees no shapes.",
            answers=answer(self._thumbnails(self.target.places("test", self.places["test"]))),
        )
        return [self.target.majority(), linear]

    @torch.no_grad()
    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        batches = self._batches(self.target.places("test", self.places["test"]))
        return self.target.judge(
            torch.cat([self.viewing.scores(model, self.pictures[batch]) for batch in batches]), guesses
        )

    def preparation(self) -> dict[str, object]:
        return {"labels": self.target.labels, "viewing": asdict(self.viewing)}

    def _small(self, pictures: Tensor, epoch: int) -> Tensor:
        """The pictures with a shorter side in the first part of a training that begins so."""
        if epoch >= self.small_epochs:
            return pictures
        size = [round(SMALL_SIDE * side) for side in pictures.shape[-2:]]
        return F.interpolate(pictures, size, mode="bilinear", antialias=True)

    def _thumbnails(self, places: Tensor) -> Tensor:
        """Few pixels of each picture, around 0: (pictures, features)."""
        batches = (self.viewing.scale(self.pictures[batch]) for batch in self._batches(places))
        return torch.cat([thumbnails(batch) for batch in batches])

    def _batches(self, places: Tensor) -> Sequence[Tensor]:
        """In so large pieces as fit into memory where nothing is learnt."""
        at_once = max(1, 2**19 // (self.shapes.height * self.shapes.width))
        return places.tensor_split(math.ceil(len(places) / at_once))


@PREDICTORS.register("image-classification")
class PicturePredictor(SeesFiles):
    """Answers for picture files: {"image": path}, prepared and looked at as in the judgement."""

    key: ClassVar[str]

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} per picture; with the option `explain` also the `region` that mattered."""
        _, pictures = self.look(inputs)
        scores = self.viewing.scores(self.model, pictures)
        answers = [best_first(self.labels, row) for row in scores.double().softmax(dim=1).tolist()]
        if options.get("explain"):
            return [answer | {"region": self._region(one)} for answer, one in zip(answers, pictures, strict=True)]
        return answers

    def _region(self, picture: Tensor) -> str:
        """The picture (C, H, W) as the address of a PNG, dark where nothing mattered."""
        mean = torch.tensor(self.viewing.mean, device=picture.device).round().byte()[:, None, None]
        return draw_region(picture, occlude(self._scores, picture, mean))

    def _scores(self, pictures: Tensor) -> Tensor:
        scores: Tensor = self.model(self.viewing.scale(pictures))
        return scores


def _decode_all(cells: Encoded, shapes: Shapes, folder: Path) -> Tensor:
    """All pictures in one size, (n, channels, height, width): in memory, or mapped from a file without a name."""
    size = (len(cells), shapes.channels, shapes.height, shapes.width)
    pictures = allocate(size, np.uint8, folder)
    for place, cell in enumerate(cells):
        pictures[place] = decode_picture(
            io.BytesIO(cell), channels=shapes.channels, height=shapes.height, width=shapes.width
        )
    return torch.from_numpy(pictures)
