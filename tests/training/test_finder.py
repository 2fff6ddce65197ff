"""The learning rate is found below the one at which a parabola is left, in a phase before the first step."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.training.test_loop import after, curve, with_recipe
from training.device import choose_device
from training.events import Phase, Progress, Started, Warning
from training.examples import read_examples
from training.lesson import build_network
from training.loop import train
from training.objectives import OBJECTIVES
from training.recipes import Recipe
from training.spec import TrainSpec
from training.techniques.finder import trial_of, try_rates


@pytest.fixture
def parabola(make_data: Callable[..., Path]) -> TrainSpec:
    """y = 2x learnt by plain gradient descent: the loss is a parabola that bends by 2, so rates from 1 on diverge."""
    x = np.tile([-1.0, 1.0], 100)
    return TrainSpec(
        task="tabular-regression",
        data=str(make_data(pl.DataFrame({"x": x, "y": 2 * x}))),
        roles={"target": ["y"], "features": ["x"]},
        architecture="linear",
        settings={"solver": "gradient"},
        recipe=Recipe(optimizer="sgd", momentum=0, lr=1e-3, batch_size=1000, epochs=30, evaluations=3, find_lr=True),
    )


def test_a_parabola_is_left_where_theory_says(parabola: TrainSpec, tmp_path: Path) -> None:
    trial = trial_of(parabola, tmp_path)
    assert 0.02 < trial.lr < 1
    assert min(trial.losses) < 0.3 * trial.losses[0]


def test_a_trial_leaves_weights_and_chance_as_they_were(flower_spec: TrainSpec, tmp_path: Path) -> None:
    device = choose_device(flower_spec.recipe)
    objective = OBJECTIVES[flower_spec.task](flower_spec, read_examples(flower_spec), device, tmp_path)
    model = build_network(flower_spec, objective, device)
    before = {name: value.clone() for name, value in model.state_dict().items()}
    random = torch.get_rng_state()
    assert len(try_rates(model, objective, flower_spec.recipe, device).rates) > 50
    assert all(torch.equal(value, before[name]) for name, value in model.state_dict().items())
    assert torch.equal(torch.get_rng_state(), random)


def test_the_rate_is_found_in_a_phase_of_its_own_and_used(parabola: TrainSpec, tmp_path: Path) -> None:
    events = list(train(parabola, tmp_path / "found"))
    names = [event.name for event in events if isinstance(event, Phase)]
    assert names[2:5] == ["building", "finding", "training"]
    trial = next(event.points for event in events if isinstance(event, Progress))
    rates, losses = trial["finder/trial_lr"].values, trial["finder/trial_loss"].values
    half = (losses[0] + min(losses)) / 2
    lr = next(rate for rate, loss in zip(rates, losses, strict=True) if loss <= half)
    assert curve(events, "train/lr")[1] == pytest.approx(lr)
    assert any(f"{lr:.2g}" in event.message for event in events if isinstance(event, Warning))
    by_hand = with_recipe(parabola, find_lr=False, lr=lr)
    assert curve(events) == pytest.approx(curve(list(train(by_hand, tmp_path / "by-hand"))))


def test_a_run_that_goes_on_does_not_look_again(flower_spec: TrainSpec, tmp_path: Path) -> None:
    spec = with_recipe(flower_spec, find_lr=True, optimizer="muon")
    whole = list(train(spec, tmp_path / "whole"))
    first = list(train(spec, tmp_path / "parts", after(7)))
    rest = list(train(spec, tmp_path / "parts"))
    assert next(event for event in rest if isinstance(event, Started)).resumed_from == 7
    assert "finding" not in [event.name for event in rest if isinstance(event, Phase)]
    assert {**curve(first), **curve(rest)} == curve(whole)
    assert {**curve(first, "train/lr"), **curve(rest, "train/lr")} == curve(whole, "train/lr")


def test_the_command_prints_the_rate_to_take(parabola: TrainSpec, tmp_path: Path) -> None:
    (tmp_path / "spec.json").write_text(parabola.model_dump_json())
    command = [sys.executable, "-m", "training", "find-lr", str(tmp_path / "spec.json")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "The learning rate is 0." in done.stdout.splitlines()[-1]
