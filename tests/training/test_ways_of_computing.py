"""Ways of computing that save memory or time, or leave nothing to chance, and change no result."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pydantic import JsonValue
from torch import nn

from tests.training.test_loop import curve, with_recipe
from tests.training.tiny_data import DATA, SOURCES
from training.device import Device, choose_device, settle
from training.engine import run_engine
from training.events import Event, Failed, Warning
from training.examples import read_examples
from training.lesson import build_network
from training.loop import train
from training.objectives import OBJECTIVES
from training.recipes import Recipe
from training.spec import TrainSpec
from training.techniques.optimizers import Optimizers
from training.techniques.recompute import recompute_blocks


@pytest.fixture
def make_spec(make_data: Callable[..., Path], tmp_path: Path) -> Callable[[str, str], TrainSpec]:
    """A short run of an architecture on the tiny data of a task."""

    def make(task: str, architecture: str) -> TrainSpec:
        tiny = DATA[task](tmp_path)
        settings: dict[str, JsonValue] = {"length": 32, "dropout": 0.2}
        if architecture in SOURCES:
            (tmp_path / "source").mkdir()
            SOURCES[architecture](tmp_path / "source")
            settings |= {"source": str(tmp_path / "source"), "method": "lora"}
        return TrainSpec(
            task=task,
            data=str(make_data(tiny.frame)),
            roles=tiny.roles,
            architecture=architecture,
            settings=settings,
            recipe=Recipe(epochs=1, batch_size=8, evaluations=1),
        )

    return make


def one_step(spec: TrainSpec, folder: Path) -> tuple[int, dict[str, torch.Tensor]]:
    """What one forward pass keeps for the way back, in bytes, and the gradients that it leads to."""
    device = choose_device(spec.recipe)
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), device, folder)
    model = build_network(spec, objective, device).train()
    if spec.recipe.recompute:
        assert recompute_blocks(model)
    kept = 0

    def keep(value: torch.Tensor) -> torch.Tensor:
        nonlocal kept
        kept += value.nbytes
        return value

    for name, weight in model.named_parameters():
        if name.endswith(("head.weight", "narrow.weight", "down.weight", "project.weight", "mix.weight")):
            nn.init.normal_(weight, std=0.1)  # from zero nothing would flow back
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda value: value):
        loss = objective.loss(model, torch.arange(8), 0)
    loss.backward()
    return kept, {name: weight.grad for name, weight in model.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize(
    ("task", "architecture"),
    [
        ("language-modeling", "gpt"),
        ("language-modeling", "pretrained-causal"),
        ("text-classification", "text-transformer"),
        ("translation", "seq2seq-transformer"),
    ],
)
def test_computing_blocks_twice_saves_memory_and_changes_no_gradient(
    make_spec: Callable[[str, str], TrainSpec], tmp_path: Path, task: str, architecture: str
) -> None:
    spec = make_spec(task, architecture)
    plainly, gradients = one_step(spec, tmp_path / "plain")
    twice, same = one_step(with_recipe(spec, recompute=True), tmp_path / "twice")
    assert twice < 0.7 * plainly
    assert gradients.keys() == same.keys()
    for name, gradient in gradients.items():
        assert torch.allclose(gradient, same[name], rtol=1e-4, atol=1e-7), name  # dropout was the same too


def warnings(events: list[Event]) -> list[str]:
    return [event.message for event in events if isinstance(event, Warning)]


def test_a_network_without_blocks_says_so_and_is_trained(flower_spec: TrainSpec, tmp_path: Path) -> None:
    events = list(train(with_recipe(flower_spec, recompute=True), tmp_path))
    assert "not made of blocks" in warnings(events)[0]
    assert events[-1].type == "finished"


def test_a_network_that_cannot_be_compiled_is_trained_as_it_is(
    flower_spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TORCHINDUCTOR_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr("torch._inductor.config.cpp.cxx", ("no-such-compiler",))
    events = list(train(with_recipe(flower_spec, compile="on"), tmp_path / "compiled"))
    assert "could not be compiled" in warnings(events)[0]
    assert curve(events) == curve(list(train(flower_spec, tmp_path / "plain")))


def test_scaled_losses_give_true_gradients_and_leave_out_what_is_no_number() -> None:
    weight = nn.Parameter(torch.ones(1))
    optimizers = Optimizers([torch.optim.SGD([weight], lr=0.1)], scaled=True)
    optimizers.backward((2 * weight).sum())
    assert weight.grad is not None
    assert weight.grad.item() > 1000
    optimizers.unscale()
    assert weight.grad.item() == 2
    optimizers.step()
    assert weight.item() == pytest.approx(0.8)

    before = optimizers.state_dict()[-1]["scale"]
    optimizers.backward((weight * torch.inf).sum())
    optimizers.unscale()
    optimizers.step()
    assert weight.item() == pytest.approx(0.8)
    assert optimizers.state_dict()[-1]["scale"] == before / 2  # type: ignore[operator]


def test_deterministic_runs_switch_chance_off_and_others_on_again(flower_spec: TrainSpec, tmp_path: Path) -> None:
    first = list(train(with_recipe(flower_spec, deterministic=True), tmp_path / "first"))
    assert torch.are_deterministic_algorithms_enabled()
    again = list(train(with_recipe(flower_spec, deterministic=True), tmp_path / "again"))
    assert curve(first) == curve(again)
    choose_device(Recipe())
    assert not torch.are_deterministic_algorithms_enabled()


def test_a_step_that_is_left_to_chance_is_refused_with_a_next_step(
    flower_spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def put(*given: object) -> nn.Module:
        values = torch.zeros(3)
        values.put_(torch.tensor([0, 0]), torch.tensor([1.0, 2.0]))  # which of the two stays is chance
        raise AssertionError("it was not refused")

    monkeypatch.setattr("training.beginning.build_network", put)
    (tmp_path / "spec.json").write_text(with_recipe(flower_spec, deterministic=True).model_dump_json())
    told: list[Event] = []
    assert run_engine(tmp_path, on_event=told.append) == 1
    choose_device(Recipe())
    assert isinstance(told[-1], Failed)
    assert told[-1].remedy == {"deterministic": False}


def test_the_way_that_computes_least_is_found_however_long_neighbours_let_it_wait(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("TOUCHSTONE_THREADS", "1")
    monkeypatch.delenv("TOUCHSTONE_PROBES", raising=False)
    recipe = Recipe(precision="float32")

    def work(plan: Device, share: float) -> None:
        end = time.process_time() + share * (0.1 if plan.channels_last else 0.2)
        while time.process_time() < end:
            pass
        time.sleep(0.7 if plan.channels_last else 0.4)  # somebody else computes meanwhile

    assert settle(choose_device(recipe), recipe, nn.Conv2d(1, 1, 1), work).channels_last
    assert not settle(choose_device(recipe), recipe, nn.Linear(1, 1), work).channels_last
