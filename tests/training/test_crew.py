"""Several processes that train one model: each with a copy of it, or with its part of one that is shared out."""

from __future__ import annotations

import multiprocessing
import os
import pkgutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from pydantic import JsonValue

import training.objectives
from tests.training.test_loop import after, curve, with_recipe
from tests.training.tiny_data import DATA, SOURCES
from training.engine import EVENTS
from training.events import Event, Started, Stopped, Warning, parse_event
from training.loop import train
from training.model_folder import load_network
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec

PROCESSES = multiprocessing.get_context(
    "forkserver"
)  # torch and all that is needed is read once, and forked from there
NEEDED = [f"training.objectives.{module.name}" for module in pkgutil.iter_modules(training.objectives.__path__)]
PROCESSES.set_forkserver_preload([__name__, *NEEDED, "sklearn.linear_model", "peft"])


def told(folder: Path) -> list[Event]:
    return [parse_event(line) for line in (folder / EVENTS).read_bytes().splitlines()]


def take_part(rank: int, port: int, spec: TrainSpec, folder: Path, stop_after: int) -> None:
    """One of two processes: what torch's launcher tells it, and then the training; the first one keeps its events."""
    address = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port)}
    os.environ.update(address, RANK=str(rank), WORLD_SIZE="2", LOCAL_RANK=str(rank), TOUCHSTONE_THREADS="1")
    mine = folder if rank == 0 else folder / "scratch"
    mine.mkdir(parents=True, exist_ok=True)
    events = list(train(spec, mine, after(stop_after)))
    if rank == 0:
        (folder / EVENTS).write_text("".join(event.model_dump_json() + "\n" for event in events))
    torch.distributed.destroy_process_group()


def train_together(spec: TrainSpec, folder: Path, *, stop_after: int = 1_000_000) -> list[Event]:
    """The events of a training in two processes."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    both = [PROCESSES.Process(target=take_part, args=(rank, port, spec, folder, stop_after)) for rank in (0, 1)]
    for process in both:
        process.start()
    for process in both:
        process.join(timeout=120)
        assert process.exitcode == 0
    return told(folder)


def test_two_processes_of_the_launcher_draw_the_curve_of_one(flower_spec: TrainSpec, tmp_path: Path) -> None:
    spec = flower_spec.model_copy(update={"settings": {"hidden_sizes": "8", "dropout": 0.0}})
    spec = with_recipe(spec, batch_size=15, patience=4)
    (tmp_path / "spec.json").write_text(spec.model_dump_json())
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2"]
    command = [*launcher, "-m", "training", "fit", str(tmp_path / "spec.json"), str(tmp_path / "together")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    alone, together = list(train(spec, tmp_path / "alone")), told(tmp_path / "together")
    for name in ("train/loss", "val/loss"):
        assert curve(together, name) == pytest.approx(curve(alone, name), rel=1e-3)
    report = Report.model_validate_json((tmp_path / "together" / "report.json").read_bytes())
    assert report.metrics["accuracy"].value > 0.7


def test_an_ensemble_with_averages_and_a_rate_of_its_own_is_the_same_in_two_processes(
    flower_spec: TrainSpec, tmp_path: Path
) -> None:
    changes = {"batch_size": 20, "epochs": 2, "evaluations": 2, "ensemble": 2, "bagging": True, "average": "ema"}
    spec = with_recipe(flower_spec, **changes, find_lr=True)
    spec = spec.model_copy(update={"settings": {"hidden_sizes": "8", "dropout": 0.0}})
    alone, together = list(train(spec, tmp_path / "alone")), train_together(spec, tmp_path / "together")
    for name in ("train/lr", "train/loss", "val/loss"):
        assert curve(together, name) == pytest.approx(curve(alone, name), rel=1e-3)


@pytest.fixture
def writer_spec(make_data: Callable[..., Path], tmp_path: Path) -> TrainSpec:
    """A few steps of a GPT that is shared out."""
    tiny = DATA["language-modeling"](tmp_path)
    recipe = Recipe(epochs=1, batch_size=8, lr=0.01, evaluations=2, clip_norm=0.5, share_out=True, minutes=0)
    settings = {"layers": 2, "width": 32, "heads": 2, "length": 32, "dropout": 0.0}
    data = str(make_data(tiny.frame))
    return TrainSpec(
        task="language-modeling", data=data, roles=tiny.roles, architecture="gpt", settings=settings, recipe=recipe
    )


def test_a_model_that_is_shared_out_draws_the_curve_of_one_that_is_not(writer_spec: TrainSpec, tmp_path: Path) -> None:
    spec = with_recipe(writer_spec, optimizer="muon", lr=0.02, average="ema", ema_decay=0.5, accumulate=2, l1=1e-5)
    alone, together = list(train(spec, tmp_path / "alone")), train_together(spec, tmp_path / "together")
    for name in ("train/loss", "val/loss"):
        assert curve(together, name) == pytest.approx(curve(alone, name), rel=1e-3)
    weights = [load_network(tmp_path / name / "model").state_dict() for name in ("alone", "together")]
    for name, value in weights[0].items():
        assert torch.allclose(value, weights[1][name], atol=2e-3), name


def test_a_run_of_two_that_shared_a_model_out_is_gone_on_with_by_one_and_the_other_way(
    writer_spec: TrainSpec, tmp_path: Path
) -> None:
    spec = with_recipe(writer_spec, patience=9)
    whole = curve(list(train(spec, tmp_path / "whole")))
    first = train_together(spec, tmp_path / "parts", stop_after=4)
    assert first[-1] == Stopped(step=4, time=first[-1].time)
    more = list(train(spec, tmp_path / "parts", after(3)))
    rest = train_together(spec, tmp_path / "parts")
    assert [event.resumed_from for event in [*more, *rest] if isinstance(event, Started)] == [4, 7]
    assert {**curve(first), **curve(more), **curve(rest)} == pytest.approx(whole, rel=1e-3)


@pytest.mark.parametrize(
    ("task", "architecture"), [("language-modeling", "pretrained-causal"), ("translation", "seq2seq-transformer")]
)
def test_thin_matrices_of_pretrained_blocks_and_blocks_that_write_are_shared_out(
    make_data: Callable[..., Path], tmp_path: Path, task: str, architecture: str
) -> None:
    tiny = DATA[task](tmp_path)
    settings: dict[str, JsonValue] = {"length": 32, "layers": 1, "width": 16, "heads": 2, "dropout": 0.0}
    if architecture in SOURCES:
        (tmp_path / "source").mkdir()
        SOURCES[architecture](tmp_path / "source")
        settings = {"source": str(tmp_path / "source"), "length": 32}
    spec = TrainSpec(
        task=task,
        data=str(make_data(tiny.frame)),
        roles=tiny.roles,
        architecture=architecture,
        settings=settings,
        recipe=Recipe(epochs=1, batch_size=8, lr=0.01, evaluations=1, recompute=True, share_out=True),
    )
    alone, together = list(train(spec, tmp_path / "alone")), train_together(spec, tmp_path / "together")
    assert curve(together) == pytest.approx(curve(alone), rel=1e-3)
    assert together[-1].type == "finished"


def test_sharing_out_says_where_it_does_nothing(writer_spec: TrainSpec, tmp_path: Path) -> None:
    notes = [event for event in train(writer_spec, tmp_path / "alone") if isinstance(event, Warning)]
    assert "one process" in notes[0].message
