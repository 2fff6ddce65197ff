"""Finding the text that belongs to another, learnt from pairs that do and from nothing else."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.training.tiny_data import encoder, matched
from training.data.importing import import_dataset, read_description
from training.data.roles import roles_for
from training.device import choose_device
from training.loop import train
from training.objectives.text_matching import SHARPNESS, partner_loss, places_of_partners
from training.predict import load_predictor
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec

ALL_OWN = torch.arange(3)


def test_the_loss_is_the_surprise_at_the_own_partner_among_those_of_the_batch() -> None:
    first = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    second = torch.tensor([[3.0, 0.0], [1.0, 1.0]])
    by_hand = [
        -math.log(math.exp(SHARPNESS) / (math.exp(SHARPNESS) + math.exp(SHARPNESS / math.sqrt(2)))),  # cosines 1, 0.71
        -math.log(math.exp(SHARPNESS / math.sqrt(2)) / (1 + math.exp(SHARPNESS / math.sqrt(2)))),  # cosines 0, 0.71
    ]
    assert partner_loss(first, second, torch.arange(2)).item() == pytest.approx(sum(by_hand) / 2, abs=1e-5)


def test_a_partner_that_stands_in_the_batch_twice_is_not_wrong() -> None:
    first = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    second = torch.tensor([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    assert partner_loss(first, second, ALL_OWN).item() > 0.4  # each of the two is taken for the other's wrong answer
    assert partner_loss(first, second, torch.tensor([7, 7, 1])).item() < 0.01


def test_places_count_only_other_texts_that_are_at_least_as_like() -> None:
    alike = np.array([[0.9, 0.1, 0.9], [0.8, 0.5, 0.6], [0.0, 0.3, 0.2]])
    assert places_of_partners(alike, np.arange(3)).tolist() == [2, 3, 2]
    assert places_of_partners(alike, np.array([4, 5, 4])).tolist() == [1, 3, 2]


def test_the_first_column_of_texts_is_what_is_started_from(tmp_path: Path) -> None:
    rows = [
        f'{at},"Where is number {at} of all the houses?","It stands in street {at}, behind a tree."' for at in range(30)
    ]
    (tmp_path / "asked.csv").write_text("\n".join(["number,question,answer", *rows]))
    for _ in import_dataset([tmp_path / "asked.csv"], tmp_path / "asked"):
        pass
    roles = roles_for(read_description(tmp_path / "asked"), "text-matching")
    assert roles == {"first": ["question"], "second": ["answer"]}


def test_texts_without_a_word_in_common_are_found_by_what_they_mean(
    make_data: Callable[..., Path], tmp_path: Path
) -> None:
    tiny = matched(tmp_path)
    (tmp_path / "encoder").mkdir()
    encoder(tmp_path / "encoder", [*tiny.frame["english"], *tiny.frame["german"]])
    spec = TrainSpec(
        task="text-matching",
        data=str(make_data(tiny.frame)),
        roles=tiny.roles,
        architecture="pretrained-encoder",
        settings={"source": str(tmp_path / "encoder"), "length": 16},
        recipe=Recipe(epochs=60, batch_size=24, lr=1e-2, evaluations=1),
    )
    for _ in train(spec, tmp_path):
        pass
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    shared = next(baseline for baseline in report.baselines if baseline.key == "shared-words")
    assert report.metrics["mrr"].value > 0.5 > shared.metrics["mrr"].value
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    assert predictions["correct"].mean() == pytest.approx(report.metrics["found_first"].value)
    predictor = load_predictor(tmp_path / "model", choose_device(Recipe()))
    right, wrong = predictor.answer(
        [{"first": "one one one two", "second": second} for second in ("eins eins eins zwei", "drei drei drei drei")],
        {},
    )
    assert right["value"] > wrong["value"]  # type: ignore[operator]
