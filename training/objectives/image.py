"""Learning to sort pictures."""

from __future__ import annotations

import io
import math
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training import labels
from training.architectures import Shapes
from training.device import Device
from training.errors import TrainingError
from training.evaluate import judge_classes
from training.events import Sample
from training.examples import Examples, Part
from training.images import Viewing, decode_picture, measure_channels, survey, vary
from training.measures import Floats, class_measures
from training.model_folder import load_network, read_config
from training.objectives import OBJECTIVES, Guess
from training.picture_size import fit_pictures
from training.predict import PREDICTORS, best_first
from training.report import Report
from training.softmax_regression import fit_softmax_regression
from training.spec import TrainSpec

IN_MEMORY = 2**30
"""Bytes of decoded pictures above which they lie in a file that is mapped into memory."""
SHIFT = 2
"""Pixels by which a picture of 32 pixels is moved at most; larger ones in proportion."""
FOR_STATISTICS = 2_000
"""Pictures of the train part that scales and the first layer are computed from."""
FOR_LINEAR = 20_000
"""Pictures of the train part that the linear baseline learns from."""
LINEAR_SIDE = 16


class _ForPictures(Protocol):
    """The setting that every architecture for pictures has."""

    image_size: int


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
        settings = cast(_ForPictures, spec.network())
        target = spec.column("target")
        names = {part: labels.as_names(examples.column(target, part)) for part in examples.rows}
        self.labels = labels.learn_labels(names["train"], target)
        self.truth = {part: labels.encode(names[part], self.labels) for part in names}
        self.targets = {part: torch.from_numpy(truth).to(device.torch) for part, truth in self.truth.items()}

        used = np.unique(np.concatenate(list(examples.rows.values())))
        cells = _cells(examples.frame[spec.column("image")], used)
        channels, height, width = survey(cells)
        raw = Shapes(outputs=len(self.labels), channels=channels, height=height, width=width)
        self.shapes = fit_pictures(raw, settings.image_size)
        self.pictures = torch.from_numpy(_decode_all(cells, self.shapes, model_folder.parent)).to(device.torch)
        self.places = {
            part: torch.from_numpy(np.searchsorted(used, rows)).to(device.torch) for part, rows in examples.rows.items()
        }
        mean, std = measure_channels(self.pictures[_spread(self.places["train"], FOR_STATISTICS)])
        longer = max(self.shapes.height, self.shapes.width)
        self.viewing = Viewing(
            mean=mean,
            std=std,
            shift=max(1, round(SHIFT * longer / 32)) if spec.recipe.augment else 0,
            mirror=spec.recipe.augment and channels == 3,  # a mirrored digit or letter is another one
        )

    def initialise(self, model: nn.Module) -> None:
        if isinstance(model, _ComputesFirstLayer):
            model.learn_first_layer(self.viewing.scale(self.pictures[_spread(self.places["train"], FOR_STATISTICS)]))

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
        scores = model(self.viewing.scale(pictures))
        return F.cross_entropy(scores, self.targets["train"][indices], label_smoothing=recipe.label_smoothing)

    @torch.no_grad()
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        known = self.truth[part] >= 0
        places = self.places[part][torch.from_numpy(known).to(self.device.torch)]
        batches = self._batches(places)
        scores = torch.cat([model(self.viewing.scale(self.pictures[batch])) for batch in batches])
        return class_measures(self.truth[part][known], _probabilities(scores))

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        known = self.truth["test"] >= 0
        some = _spread(torch.arange(len(self.places["train"])), FOR_LINEAR).to(self.device.torch)
        answer = fit_softmax_regression(
            self._thumbnails(self.places["train"][some]), self.targets["train"][some], len(self.labels)
        )
        linear = Guess(
            key="linear",
            title="Linear model on the pixels",
            about=f"Weighs the pixels of a picture at {LINEAR_SIDE} × {LINEAR_SIDE} and adds them up; sees no shapes.",
            answers=answer(self._thumbnails(self.places["test"]))[known],
        )
        return [labels.majority(self.truth["train"], self.labels, int(known.sum())), linear]

    @torch.no_grad()
    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        known = self.truth["test"] >= 0
        rows = self.examples.rows["test"][known]
        batches = self._batches(self.places["test"])
        scores = torch.cat([self.viewing.scores(model, self.pictures[batch]) for batch in batches])
        return judge_classes(
            task=self.spec.kind(),
            labels=self.labels,
            truth=self.truth["test"][known],
            probabilities=_probabilities(scores)[known],
            ids=self.examples.ids[rows],
            rows=rows,
            guesses=guesses,
        )

    def preparation(self) -> dict[str, object]:
        return {"labels": self.labels, "viewing": asdict(self.viewing)}

    def _thumbnails(self, places: Tensor) -> Tensor:
        """Few pixels of each picture, around 0: (pictures, features)."""
        batches = (self.viewing.scale(self.pictures[batch]) for batch in self._batches(places))
        return torch.cat([F.adaptive_avg_pool2d(batch, LINEAR_SIDE) for batch in batches]).flatten(1)

    def _batches(self, places: Tensor) -> Sequence[Tensor]:
        """In so large pieces as fit into memory where nothing is learnt."""
        at_once = max(1, 2**19 // (self.shapes.height * self.shapes.width))
        return places.tensor_split(math.ceil(len(places) / at_once))


@PREDICTORS.register("image-classification")
class PicturePredictor:
    """Answers for picture files: {"image": path}, prepared and looked at as in the judgement."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        config = cast(dict[str, dict[str, Any]], read_config(folder))
        prepared, shapes = config["preparation"], config["shapes"]
        self.size = {name: int(shapes[name]) for name in ("channels", "height", "width")}
        self.labels: list[str] = prepared["labels"]
        self.viewing = Viewing(**prepared["viewing"])
        self.model = load_network(folder).to(device.torch)
        self.device = device

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} per picture."""
        pictures = np.stack([decode_picture(_path(one), **self.size) for one in inputs])
        scores = self.viewing.scores(self.model, torch.from_numpy(pictures).to(self.device.torch))
        return [best_first(self.labels, row) for row in scores.double().softmax(dim=1).tolist()]


def _path(given: dict[str, object]) -> Path:
    path = given.get("image")
    if not path or not Path(str(path)).is_file():
        raise TrainingError("There is no picture to look at.", "Choose an image file.", code="no_picture")
    return Path(str(path))


def _cells(column: pl.Series, rows: NDArray[np.int64]) -> pl.Series:
    """The encoded bytes of the pictures in these rows."""
    if not isinstance(column.dtype, pl.Struct):
        raise TrainingError(f"“{column.name}” holds no pictures.", "Choose a column of pictures.", code="no_pictures")
    return column.struct.field("bytes").gather(rows)


def _decode_all(cells: pl.Series, shapes: Shapes, folder: Path) -> NDArray[np.uint8]:
    """All pictures in one size, (n, channels, height, width): in memory, or mapped from a file without a name."""
    size = (len(cells), shapes.channels, shapes.height, shapes.width)
    pictures = np.empty(size, np.uint8) if np.prod(size) <= IN_MEMORY else _mapped(size, folder)
    for place, cell in enumerate(cells):
        pictures[place] = decode_picture(
            io.BytesIO(cell), channels=shapes.channels, height=shapes.height, width=shapes.width
        )
    return pictures


def _mapped(size: tuple[int, ...], folder: Path) -> NDArray[np.uint8]:
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryFile(dir=folder) as file:  # gone from the disk when the process ends, however it ends
        return np.memmap(file, np.uint8, mode="w+", shape=size)


def _spread(places: Tensor, most: int) -> Tensor:
    """At most so many places, evenly spread."""
    return places[:: math.ceil(len(places) / most)]


def _probabilities(scores: Tensor) -> Floats:
    return scores.double().softmax(dim=1).cpu().numpy()
