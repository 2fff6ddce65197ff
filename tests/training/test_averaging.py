"""Averages of the weights: those of torch, judged in place of the last weights, and unharmed by a pause."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import pytest
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from tests.training.test_loop import after, curve, with_recipe
from training.checkpoint import Position
from training.device import choose_device
from training.events import Stopped
from training.examples import read_examples
from training.loop import train
from training.model_folder import load_network
from training.objectives import OBJECTIVES
from training.recipes import Recipe
from training.spec import TrainSpec
from training.techniques.averaging import Averaging

STEPS = 12


def walk(model: nn.Module, recipe: Recipe, *, peer: AveragedModel, first: int = 0) -> Position:
    """Random corrections, taken in by our average and, after the step `first`, by torch's."""
    position = Position()
    averaging = Averaging(model, recipe, position, STEPS)
    for step in range(1, STEPS + 1):
        model(torch.randn(4, 3))  # moves the running means
        with torch.no_grad():
            for weight in model.parameters():
                weight.add_(torch.randn_like(weight))
        averaging.take(step)
        if step > first:
            peer.update_parameters(model)
    averaging.settle()
    return position


@pytest.mark.parametrize("average", ["ema", "swa"])
def test_averages_are_those_of_torch(average: Literal["ema", "swa"]) -> None:
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))
    forgetful = get_ema_multi_avg_fn(0.1)  # type: ignore[no-untyped-call]
    peer = AveragedModel(model, multi_avg_fn=forgetful if average == "ema" else None, use_buffers=True)
    recipe = Recipe(average=average, ema_decay=0.1, swa_share=0.25)
    position = walk(model, recipe, peer=peer, first=0 if average == "ema" else 9)
    assert position.averaged == (STEPS if average == "ema" else 3)
    for name in ("0.weight", "0.bias", "1.weight", "1.running_mean", "1.running_var"):
        assert torch.allclose(model.state_dict()[name], peer.module.state_dict()[name], atol=1e-6), name


def test_a_moving_average_starts_by_forgetting_fast() -> None:
    model, position = nn.Linear(1, 1, bias=False), Position()
    averaging = Averaging(model, Recipe(average="ema", ema_decay=0.9), position, 100)
    seen = []
    for value in (0.0, 1.0, 1.0):
        nn.init.constant_(model.weight, value)
        averaging.take(1)
        seen.append(position.averages["weight"].item())
    assert seen == pytest.approx([0, 9 / 11, 9 / 11 + 9 / 12 * 2 / 11])  # keeps 2 of 11, then 3 of 12


@pytest.mark.parametrize("average", ["ema", "swa"])
def test_the_averages_are_what_is_judged_and_saved(flower_spec: TrainSpec, tmp_path: Path, average: str) -> None:
    spec = with_recipe(flower_spec, average=average, lr=0.1, schedule="constant")
    plain = curve(list(train(with_recipe(spec, average="none"), tmp_path / "plain")), "val/loss")
    averaged = curve(list(train(spec, tmp_path / "run")), "val/loss")
    last = max(averaged)
    assert averaged[last] != plain[last]
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), choose_device(spec.recipe), tmp_path)
    saved = objective.evaluate(load_network(tmp_path / "run" / "model"), "val")
    assert saved["loss"] == pytest.approx(averaged[last], rel=1e-5)


@pytest.mark.parametrize("calls", [7, 45])
@pytest.mark.parametrize("average", ["ema", "swa"])
def test_a_pause_changes_no_average(flower_spec: TrainSpec, tmp_path: Path, average: str, calls: int) -> None:
    spec = with_recipe(flower_spec, average=average)
    whole = curve(list(train(spec, tmp_path / "whole")), "val/loss")
    first = list(train(spec, tmp_path / "parts", after(calls)))
    assert isinstance(first[-1], Stopped)
    rest = list(train(spec, tmp_path / "parts"))
    assert {**curve(first, "val/loss"), **curve(rest, "val/loss")} == whole


def test_early_stopping_keeps_the_best_average(flower_spec: TrainSpec, tmp_path: Path) -> None:
    spec = with_recipe(flower_spec, average="ema", ema_decay=0.9, patience=3, epochs=30, evaluations=60, lr=0.1)
    losses = curve(list(train(spec, tmp_path)), "val/loss")
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), choose_device(spec.recipe), tmp_path / "again")
    saved = objective.evaluate(load_network(tmp_path / "model"), "val")
    assert saved["loss"] == pytest.approx(min(losses.values()), rel=1e-5)
