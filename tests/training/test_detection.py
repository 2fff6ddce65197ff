"""Finding things: boxes, average precision by hand, zooming, and that a network learns to find discs."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from PIL import Image, ImageDraw

from training.architectures import ARCHITECTURES, Facts, Shapes
from training.device import Device
from training.errors import TrainingError
from training.loop import train
from training.media.boxes import assign, fit_loss, overlaps, suppress, zoom
from training.media.detection_measures import Boxes, detection_estimators
from training.objectives.detection import ThingsPredictor
from training.spec import TrainSpec

CPU = Device(torch.device("cpu"), torch.float32)


def disc_picture(random: np.random.Generator) -> tuple[Image.Image, list[dict[str, object]]]:
    """One or two bright discs on a dark, noisy ground twice as wide as high."""
    picture = Image.fromarray(random.integers(0, 70, (80, 160, 3), dtype=np.uint8))
    pen, boxes = ImageDraw.Draw(picture), []
    for half in range(int(random.integers(1, 3))):
        size = int(random.integers(24, 44))
        x, y = 80 * half + int(random.integers(0, 80 - size)), int(random.integers(0, 80 - size))
        pen.ellipse((x, y, x + size, y + size), fill=(230, 200, 60))
        boxes.append({"label": "disc", "x": float(x), "y": float(y), "width": float(size), "height": float(size)})
    return picture, boxes


@pytest.fixture(scope="module")
def discs() -> pl.DataFrame:
    random, cells, boxes = np.random.default_rng(0), [], []
    for number in range(60):
        picture, there = disc_picture(random)
        buffer = io.BytesIO()
        picture.save(buffer, "PNG")
        cells.append({"bytes": buffer.getvalue(), "path": f"{number}.png"})
        boxes.append(there)
    return pl.DataFrame({"picture": cells, "things": boxes})


@pytest.fixture
def disc_spec(make_data: Callable[..., Path], discs: pl.DataFrame) -> TrainSpec:
    facts = Facts(48, Shapes(outputs=1, channels=3, height=80, width=160))
    recipe = ARCHITECTURES["detector"].preset("quick", "object-detection", facts)[1]
    return TrainSpec(
        task="object-detection",
        data=str(make_data(discs)),
        roles={"target": ["things"], "image": ["picture"]},
        architecture="detector",
        settings={"width": 8, "image_size": 64},
        recipe=recipe.model_copy(update={"epochs": 30, "batch_size": 8, "evaluations": 2}),
    )


def test_a_detector_learns_to_find_discs_and_answers_in_pixels_of_the_picture(
    disc_spec: TrainSpec, discs: pl.DataFrame, tmp_path: Path
) -> None:
    finished = list(train(disc_spec, tmp_path))[-1]
    assert finished.type == "finished"
    assert finished.metrics["map50"] > 0.7
    judged = pl.read_parquet(tmp_path / "predictions.parquet").sort("loss").row(0, named=True)
    path = tmp_path / "one.png"
    path.write_bytes(discs["picture"][judged["row"]]["bytes"])
    (answer,) = ThingsPredictor(tmp_path / "model", CPU).answer([{"image": str(path)}], {"explain": True})
    there = discs["things"][judged["row"]].to_list()
    found = answer["boxes"]
    assert isinstance(found, list)
    assert len(found) == len(there)
    for box in there:
        assert min(abs(box["x"] - one["x"]) + abs(box["y"] - one["y"]) for one in found) < 12
    drawn = Image.open(io.BytesIO(base64.b64decode(str(answer["picture"]).split(",")[1])))
    assert drawn.size == (160, 80)


def test_the_same_data_without_a_box_is_refused_in_words(
    disc_spec: TrainSpec, discs: pl.DataFrame, make_data: Callable[..., Path], tmp_path: Path
) -> None:
    empty = discs.with_columns(pl.col("things").list.head(0))
    spec = disc_spec.model_copy(update={"data": str(make_data(empty, name="empty"))})
    with pytest.raises(TrainingError, match="no box to learn from"):
        list(train(spec, tmp_path / "run"))


def test_overlap_is_shared_area_over_the_area_of_both() -> None:
    first = torch.tensor([[0.0, 0, 10, 10]])
    second = torch.tensor([[0.0, 0, 10, 10], [5, 0, 15, 10], [20, 20, 30, 30]])
    assert overlaps(first, second).tolist() == [[1.0, pytest.approx(1 / 3), 0.0]]


def test_boxes_apart_are_drawn_together_by_the_loss() -> None:
    true, near, far = (torch.tensor([[x, 0.0, x + 10, 10.0]]) for x in (0.0, 12.0, 40.0))
    assert fit_loss(true, true).item() == pytest.approx(0)
    assert fit_loss(near, true).item() == pytest.approx(1 + 2 / 22)
    assert fit_loss(far, true) > fit_loss(near, true)


def test_of_boxes_on_one_thing_the_surest_stays() -> None:
    boxes = torch.tensor([[0.0, 0, 10, 10], [1, 0, 11, 10], [0, 0, 10, 10], [30, 30, 40, 40]])
    scores, labels = torch.tensor([0.5, 0.9, 0.7, 0.2]), torch.tensor([0, 0, 1, 0])
    assert suppress(boxes, scores, labels, overlap=0.5, most=10).tolist() == [1, 2, 3]
    assert suppress(boxes[:0], scores[:0], labels[:0], overlap=0.5, most=10).tolist() == []


def test_every_box_is_looked_for_from_near_its_middle() -> None:
    places = torch.tensor([[4.0, 4], [12, 4], [4, 12], [12, 12]])
    boxes = torch.tensor([[[0.0, 0, 16, 16], [10, 10, 14, 14], [0, 0, 0, 0]]])
    assert assign(places, boxes, torch.tensor([[0, 0, -1]]), stride=8).tolist() == [[0, 0, 0, 1]]
    assert assign(places, boxes, torch.tensor([[-1, -1, -1]]), stride=8).tolist() == [[-1, -1, -1, -1]]


def test_boxes_move_with_their_picture() -> None:
    torch.manual_seed(0)
    pictures = torch.zeros(24, 1, 64, 64)
    pictures[:, :, 20:36, 12:44] = 1.0
    boxes = torch.tensor([12.0, 20, 44, 36]).expand(24, 1, 4)
    moved, corners, labels = zoom(pictures, boxes, torch.zeros(24, 1, dtype=torch.long))
    assert not torch.equal(moved[0], moved[1])
    for picture, (left, top, right, bottom), label in zip(moved[:, 0], corners[:, 0].tolist(), labels, strict=True):
        if label.item() < 0:
            continue
        down, across = (picture > 0.5).nonzero(as_tuple=True)
        edges = (across.min(), down.min(), across.max() + 1, down.max() + 1)
        assert all(abs(int(edge) - true) < 1.6 for edge, true in zip(edges, (left, top, right, bottom), strict=True))


def some_boxes(corners: list[list[float]], scores: list[float] | None = None) -> Boxes:
    edges, sure = np.array(corners, np.float32).reshape(-1, 4), np.array(scores or [1.0] * len(corners), np.float32)
    return Boxes(edges, np.zeros(len(corners), np.int64), sure)


def test_average_precision_of_a_case_worked_by_hand() -> None:
    """Surest first: hit, miss, hit, and one of the three things is never found."""
    truth = [some_boxes([[0, 0, 10, 10], [20, 20, 30, 30]]), some_boxes([[0, 0, 10, 10]])]
    found = [
        some_boxes([[0, 0, 10, 10], [20, 20, 30, 30]], [0.9, 0.5]),
        some_boxes([[50, 50, 60, 60]], [0.7]),
    ]
    measures = detection_estimators(truth, found, 1)
    once, twice_first = np.array([[1.0, 1.0]]), np.array([[2.0, 0.0]])
    assert measures["map50"](once)[0] == pytest.approx(1 / 3 * 1 + 1 / 3 * 2 / 3)
    assert measures["map50"](twice_first)[0] == pytest.approx(1.0)


def test_a_box_that_fits_badly_counts_at_small_overlaps_only() -> None:
    truth, found = [some_boxes([[0, 0, 10, 10]])], [some_boxes([[0, 0, 10, 7.2]], [0.9])]
    measures = detection_estimators(truth, found, 1)
    assert measures["map50"](np.ones((1, 1)))[0] == 1.0
    assert measures["map"](np.ones((1, 1)))[0] == pytest.approx(0.5)  # 0.5 to 0.7 of ten overlaps


def test_a_thing_counts_once_however_often_it_is_found() -> None:
    truth = [some_boxes([[0, 0, 10, 10], [40, 40, 50, 50]])]
    found = [some_boxes([[0, 0, 10, 10], [0, 0, 10, 9]], [0.9, 0.8])]
    assert detection_estimators(truth, found, 1)["map50"](np.ones((1, 1)))[0] == pytest.approx(0.5)
