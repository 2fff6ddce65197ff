"""Several processes that train one model, started by torch's own launcher."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from training.engine import EVENTS
from training.events import Event, Progress, parse_event
from training.report import Report
from training.spec import TrainSpec


def fit(spec: TrainSpec, folder: Path, *launcher: str) -> list[Event]:
    folder.mkdir()
    (folder / "in.json").write_text(spec.model_dump_json())
    command = [sys.executable, *launcher, "-m", "training", "fit", str(folder / "in.json"), str(folder / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [parse_event(line) for line in (folder / "out" / EVENTS).read_bytes().splitlines()]


def losses(events: list[Event], name: str) -> dict[int, float]:
    told = [event.points[name] for event in events if isinstance(event, Progress) and name in event.points]
    return {step: value for points in told for step, value in zip(points.steps, points.values, strict=True)}


def test_two_processes_draw_the_curve_of_one(flower_spec: TrainSpec, tmp_path: Path) -> None:
    plain = flower_spec.model_copy(update={"settings": {"hidden_sizes": "8", "dropout": 0.0}})
    plain = plain.model_copy(update={"recipe": plain.recipe.model_copy(update={"batch_size": 15, "patience": 4})})
    alone = fit(plain, tmp_path / "alone")
    together = fit(plain, tmp_path / "together", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    for name in ("train/loss", "val/loss"):
        assert losses(together, name) == pytest.approx(losses(alone, name), rel=1e-3)
    report = Report.model_validate_json((tmp_path / "together" / "out" / "report.json").read_bytes())
    assert report.metrics["accuracy"].value > 0.7


def test_an_ensemble_with_averages_and_a_rate_of_its_own_is_the_same_in_two_processes(
    flower_spec: TrainSpec, tmp_path: Path
) -> None:
    changes = {"batch_size": 20, "epochs": 2, "evaluations": 2, "ensemble": 2, "bagging": True, "average": "ema"}
    recipe = flower_spec.recipe.model_copy(update=changes | {"find_lr": True})
    spec = flower_spec.model_copy(update={"settings": {"hidden_sizes": "8", "dropout": 0.0}, "recipe": recipe})
    alone = fit(spec, tmp_path / "alone")
    together = fit(spec, tmp_path / "together", "-m", "torch.distributed.run", "--standalone", "--nproc-per-node=2")
    for name in ("train/lr", "train/loss", "val/loss"):
        assert losses(together, name) == pytest.approx(losses(alone, name), rel=1e-3)
