"""Learning to find things in pictures."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, ClassVar, Protocol, cast, runtime_checkable

import numpy as np
import polars as pl
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.device import Device
from training.errors import TrainingError
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import PARTS, Examples, Part
from training.media.boxes import assign, fit_loss, suppress, zoom
from training.media.detection_measures import OVERLAPS, Boxes, detection_estimators, precision_and_recall, rank
from training.media.drawing import draw_boxes
from training.media.encoded import Encoded, allocate, spread, stored_bytes
from training.media.images import Viewing, decode_picture, measure_channels, survey, upright_size
from training.media.predictors import SeesFiles
from training.models.detector import Detector
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS
from training.report import Curve, Report
from training.spec import TrainSpec

FOR_STATISTICS = 500
"""Pictures of the train part that scales and the first layer are computed from."""
AT_ONCE = 32
LEAST_SURE = 0.05
"""Boxes below this are not even ranked."""
SURE = 0.3
"""Boxes from here on are shown as answers."""
MOST_BOXES = 100
SAME_THING = 0.5
"""Overlap above which two boxes of one class are taken for the same thing."""


@runtime_checkable
class BringsLoss(Protocol):
    """A network that matches boxes to things in a way of its own."""

    def loss(self, pictures: Tensor, corners: Tensor, kinds: Tensor) -> Tensor:
        """Mean loss for true boxes (B, most, 4) in pixels and their classes (B, most), -1 where there is none."""


@OBJECTIVES.register("object-detection")
class ThingsInPictures:
    """Focal loss over the classes at every place, and how badly boxes fit; all pictures decoded once, as squares."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        side = int(cast(Any, spec.network()).image_size)
        column = examples.frame[spec.column("target")]
        self.labels = _learn_labels(column.gather(examples.rows["train"]))
        used = np.unique(np.concatenate(list(examples.rows.values())))
        cells = stored_bytes(examples.frame[spec.column("image")], used, what="pictures")
        self.shapes = Shapes(outputs=len(self.labels), channels=survey(cells)[0], height=side, width=side)
        self.sizes = np.array([upright_size(io.BytesIO(cell)) for cell in cells], np.float32)
        self.truth = _read_boxes(column.gather(used), self.labels)
        self.pictures = _decode_all(cells, self.shapes, model_folder.parent).to(device.torch)
        self.corners, self.kinds = (one.to(device.torch) for one in self._squared())
        self.places = {part: torch.from_numpy(np.searchsorted(used, examples.rows[part])) for part in PARTS}
        mean, std = measure_channels(self.pictures[spread(self.places["train"], FOR_STATISTICS)])
        self.viewing = Viewing(mean=mean, std=std)

    def initialise(self, model: nn.Module) -> None:
        if isinstance(model, Detector):
            some = spread(self.places["train"], FOR_STATISTICS)
            model.learn_first_layer(self.viewing.scale(self.pictures[some]))

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        order = self.places["train"][torch.randperm(len(self.places["train"]), generator=generator)]
        return list(order.tensor_split(max(1, round(len(order) / batch_size))))

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        chosen = indices.to(self.device.torch)
        pictures, corners, kinds = self.viewing.scale(self.pictures[chosen]), self.corners[chosen], self.kinds[chosen]
        if self.spec.recipe.augment:
            pictures, corners, kinds = zoom(pictures, corners, kinds)
        return self._loss(model, pictures, corners, kinds)

    @torch.no_grad()
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        losses = []
        for batch in self.places[part].split(AT_ONCE):
            pictures = self.viewing.scale(self.pictures[batch])
            losses.append(float(self._loss(model, pictures, self.corners[batch], self.kinds[batch])) * len(batch))
        truth, found = self._truth(part), self._find(model, part)
        measure = detection_estimators(truth, found, len(self.labels))["map50"]
        return {"loss": sum(losses) / len(truth), "map50": float(measure(np.ones((1, len(truth))))[0])}

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        about = "What comes out without looking: the commonest thing, in a box of the usual size and place."
        return [Guess(key="same-box", title="Always the same box", about=about, answers=np.empty(0))]

    @torch.no_grad()
    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        truth, found, classes = self._truth("test"), self._find(model, "test"), len(self.labels)
        rival = detection_estimators(truth, self._same_box("test"), classes)
        measures = detection_estimators(truth, found, classes)
        predictions = self._predictions(truth, found)
        report = judge_measures(self.spec.kind(), measures, {guesses[0].key: rival}, guesses, len(truth))
        curves = [_curve(truth, found, number, label) for number, label in enumerate(self.labels[:10])]
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        return report.model_copy(update={"curves": curves, "hardest": hardest}), predictions

    def preparation(self) -> dict[str, object]:
        return {"labels": self.labels, "viewing": asdict(self.viewing)}

    def _loss(self, model: nn.Module, pictures: Tensor, corners: Tensor, kinds: Tensor) -> Tensor:
        """The network's own loss where it has one; else focal loss and misfit per box.

        T.-Y. Lin et al., "Focal loss for dense object detection", 2017, https://arxiv.org/abs/1708.02002
        """
        if isinstance(model, BringsLoss):
            return model.loss(pictures, corners, kinds)
        assert isinstance(model, Detector)
        scores, boxes = model(pictures)
        side = pictures.size(-1) // model.stride
        wanted = assign(model.places(side, side).flatten(0, 1), corners, kinds, stride=model.stride)
        finds, batch = wanted >= 0, torch.arange(len(pictures), device=pictures.device)[:, None]
        target = F.one_hot(kinds[batch, wanted.clamp_min(0)].clamp_min(0), len(self.labels)) * finds.unsqueeze(-1)
        things = finds.sum().clamp_min(1)
        fit = fit_loss(boxes.float()[finds], corners[batch, wanted.clamp_min(0)][finds]).sum() / things
        return _focal(scores.float(), target.float()) / things + fit

    def _find(self, model: nn.Module, part: Part) -> list[Boxes]:
        """What the network finds in the pictures of a part, in pixels of the pictures themselves."""
        found = []
        for batch in self.places[part].split(AT_ONCE):
            found += find_things(model, self.viewing.scale(self.pictures[batch]), self.sizes[batch.numpy()])
        return found

    def _truth(self, part: Part) -> list[Boxes]:
        return [self.truth[place] for place in self.places[part].tolist()]

    def _same_box(self, part: Part) -> list[Boxes]:
        """The median box of the train part, in relation to the picture, for every picture of another part."""
        places = self.places["train"]
        there = self.kinds[places] >= 0
        middle = self.corners[places][there].median(dim=0).values.cpu().numpy() / self.shapes.width
        common = self.kinds[places][there].mode().values.item()
        sizes = self.sizes[self.places[part].numpy()][:, [1, 0, 1, 0]]
        label, sure = np.array([common], np.int64), np.ones(1, np.float32)
        return [Boxes((middle * size)[None].astype(np.float32), label, sure) for size in sizes]

    def _squared(self) -> tuple[Tensor, Tensor]:
        """The true boxes in pixels of the squares (n, most, 4), and their classes (n, most), -1 where there is none."""
        most = max(1, max(len(one.labels) for one in self.truth))
        corners = torch.zeros(len(self.truth), most, 4)
        kinds = torch.full((len(self.truth), most), -1)
        for place, (one, (height, width)) in enumerate(zip(self.truth, self.sizes, strict=True)):
            scale = np.array([width, height, width, height]) / self.shapes.width
            corners[place, : len(one.labels)] = torch.from_numpy(one.corners / scale).float()
            kinds[place, : len(one.labels)] = torch.from_numpy(one.labels)
        return corners, kinds

    def _predictions(self, truth: Sequence[Boxes], found: Sequence[Boxes]) -> pl.DataFrame:
        """One row per picture; the loss is 1 minus the F1 score of the boxes that are shown."""
        rows = self.examples.rows["test"]
        shown = [_sure(one) for one in found]
        misses = [1 - _f1(true, said, len(self.labels)) for true, said in zip(truth, shown, strict=True)]
        return pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": [_in_words(one, self.labels) for one in truth],
                "prediction": [_in_words(one, self.labels) for one in shown],
                "confidence": [float(one.scores.max(initial=0.0)) for one in found],
                "loss": misses,
                "correct": [miss == 0 for miss in misses],
            }
        )


@PREDICTORS.register("object-detection")
class ThingsPredictor(SeesFiles):
    """Answers for picture files, {"image": path}: the things in them with their boxes in pixels."""

    key: ClassVar[str]

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"boxes": [{"label", "confidence", "x", "y", "width", "height"}]} each; `explain` adds a `picture`."""
        files, pictures = self.look(inputs)
        sizes = np.array([upright_size(file) for file in files], np.float32)
        found = find_things(self.model, self.viewing.scale(pictures), sizes)
        answers: list[dict[str, object]] = []
        for file, one in zip(files, found, strict=True):
            boxes = _as_dicts(_sure(one), self.labels)
            answers.append({"boxes": boxes})
            if options.get("explain"):
                answers[-1]["picture"] = draw_boxes(file, boxes)
        return answers


def find_things(model: nn.Module, pictures: Tensor, sizes: np.ndarray) -> list[Boxes]:
    """Boxes in pixels of the pictures themselves, whose heights and widths are `sizes` (B, 2), the surest first."""
    scores, boxes = model(pictures)
    found = []
    for sure, corners, (height, width) in zip(scores.float().sigmoid(), boxes.float(), sizes, strict=True):
        places, kinds = (sure > LEAST_SURE).nonzero(as_tuple=True)
        limited = corners[places].clamp(0, pictures.size(-1))
        kept = suppress(limited, sure[places, kinds], kinds, overlap=SAME_THING, most=MOST_BOXES)
        scale = np.array([width, height, width, height], np.float32) / pictures.size(-1)
        own = (limited[kept].cpu().numpy() * scale).astype(np.float32)
        found.append(Boxes(own, kinds[kept].cpu().numpy(), sure[places, kinds][kept].cpu().numpy()))
    return found


def _focal(scores: Tensor, target: Tensor) -> Tensor:
    """Cross-entropy that easy places hardly add to; summed."""
    each = F.binary_cross_entropy_with_logits(scores, target, reduction="none")
    sure = torch.where(target > 0, scores.sigmoid(), 1 - scores.sigmoid())
    balance = torch.where(target > 0, 0.25, 0.75)
    return (balance * (1 - sure).square() * each).sum()


def _learn_labels(column: pl.Series) -> list[str]:
    """The classes of all boxes; raises TrainingError if there is not one."""
    if not isinstance(column.dtype, pl.List):
        raise TrainingError(f"“{column.name}” holds no boxes.", "Choose a column of boxes.", code="no_boxes")
    labels = column.explode().drop_nulls().struct.field("label").unique().sort().to_list()
    if not labels:
        raise TrainingError(f"“{column.name}” has no box to learn from.", "Draw boxes first.", code="no_boxes")
    return [str(label) for label in labels]


def _read_boxes(column: pl.Series, labels: Sequence[str]) -> list[Boxes]:
    """The true boxes of each picture; those of classes that the train part does not have are left out."""
    numbers, found = {label: number for number, label in enumerate(labels)}, []
    for boxes in column.to_list():
        known = [box for box in boxes if box["label"] in numbers]
        edges = [(box["x"], box["y"], box["x"] + box["width"], box["y"] + box["height"]) for box in known]
        kinds = np.array([numbers[box["label"]] for box in known], np.int64)
        corners = np.array(edges, np.float32).reshape(-1, 4)
        found.append(Boxes(corners, kinds, np.ones(len(known), np.float32)))
    return found


def _decode_all(cells: Encoded, shapes: Shapes, folder: Path) -> Tensor:
    size = {"channels": shapes.channels, "height": shapes.height, "width": shapes.width}
    pictures = allocate((len(cells), *size.values()), np.uint8, folder)
    for place, cell in enumerate(cells):
        pictures[place] = decode_picture(io.BytesIO(cell), **size)
    return torch.from_numpy(pictures)


def _sure(boxes: Boxes) -> Boxes:
    """The boxes that are shown as answers."""
    sure = boxes.scores >= SURE
    return Boxes(boxes.corners[sure], boxes.labels[sure], boxes.scores[sure])


def _f1(true: Boxes, said: Boxes, classes: int) -> float:
    """Harmonic mean of precision and recall in one picture; 1 where nothing is and nothing is said."""
    hits = sum(int(rank([true], [said], label, SAME_THING).hits.sum()) for label in range(classes))
    boxes = len(true.labels) + len(said.labels)
    return 2 * hits / boxes if boxes else 1.0


def _in_words(boxes: Boxes, labels: Sequence[str]) -> str:
    """Such as "2 × cat, 1 × dog"."""
    counts = np.bincount(boxes.labels, minlength=len(labels))
    return ", ".join(f"{count} × {label}" for label, count in zip(labels, counts, strict=True) if count) or "nothing"


def _as_dicts(boxes: Boxes, labels: Sequence[str]) -> list[dict[str, str | float]]:
    found: list[dict[str, str | float]] = []
    for (left, top, right, bottom), label, sure in zip(boxes.corners.tolist(), boxes.labels, boxes.scores, strict=True):
        place = {"x": left, "y": top, "width": right - left, "height": bottom - top}
        found.append({"label": labels[label], "confidence": float(sure)} | place)
    return found


def _curve(truth: Sequence[Boxes], found: Sequence[Boxes], number: int, label: str) -> Curve:
    precision, recall = precision_and_recall(rank(truth, found, number, OVERLAPS[0]), np.ones((1, len(truth))))
    return Curve(
        key="pr", title="Precision and recall", label=label, x_title="Share found", y_title="Share right",
        x=recall[0].tolist(), y=precision[0].tolist(),
    )  # fmt: skip
