"""The training loop: what it tells, how it stops, and that a pause changes nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import polars as pl
import pytest
import torch

from training.errors import TrainingError
from training.events import Event, Progress, Started, Stopped
from training.loop import train
from training.model_folder import load_network
from training.report import Report
from training.spec import TrainSpec
from training.state import Diverged


def curve(events: list[Event], name: str = "train/loss") -> dict[int, float]:
    """The points of one curve by step."""
    told = [event.points[name] for event in events if isinstance(event, Progress) and name in event.points]
    return {step: value for points in told for step, value in zip(points.steps, points.values, strict=True)}


def after(calls: int) -> Callable[[], bool]:
    """A stop request that comes true at the given question."""
    counter: Iterator[int] = iter(range(1, 1_000_000))
    return lambda: next(counter) >= calls


def with_recipe(spec: TrainSpec, **changes: object) -> TrainSpec:
    return spec.model_copy(update={"recipe": spec.recipe.model_copy(update=changes)})


def test_a_run_ends_with_a_model_a_report_and_predictions(flower_spec: TrainSpec, tmp_path: Path) -> None:
    kinds = [event.type for event in train(flower_spec, tmp_path)]
    assert kinds[0] == "phase"
    assert kinds[-1] == "finished"
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    assert report.metrics["accuracy"].value == predictions["correct"].mean()
    assert report.metrics["accuracy"].value > report.baselines[0].metrics["accuracy"].value
    assert (tmp_path / "model" / "model.safetensors").exists()


def test_the_same_seed_draws_the_same_curve(flower_spec: TrainSpec, tmp_path: Path) -> None:
    first = list(train(flower_spec, tmp_path / "first"))
    second = list(train(flower_spec, tmp_path / "second"))
    other = list(train(with_recipe(flower_spec, seed=1), tmp_path / "other"))
    assert curve(first) == curve(second)
    assert curve(first, "val/loss") == curve(second, "val/loss")
    assert curve(first) != curve(other)


def test_batches_added_up_correct_as_one_of_their_sum(flower_spec: TrainSpec, tmp_path: Path) -> None:
    plain = flower_spec.model_copy(update={"settings": {"hidden_sizes": "8", "dropout": 0.0, "layer_norm": True}})
    whole = curve(list(train(with_recipe(plain, batch_size=40), tmp_path / "whole")))
    added = curve(list(train(with_recipe(plain, batch_size=20, accumulate=2), tmp_path / "added")))
    assert added == pytest.approx(whole, rel=1e-4)


def test_a_clipped_correction_is_no_longer_than_allowed(flower_spec: TrainSpec, tmp_path: Path) -> None:
    still = {"optimizer": "sgd", "momentum": 0.0, "schedule": "constant", "lr": 1.0, "batch_size": 500, "epochs": 1}
    weights = []
    for longest in (1e-9, 1e-3):
        list(train(with_recipe(flower_spec, clip_norm=longest, evaluations=1, **still), tmp_path / str(longest)))
        network = load_network(tmp_path / str(longest) / "model")
        weights.append(torch.cat([weight.detach().flatten() for weight in network.parameters()]))
    assert (weights[1] - weights[0]).norm().item() == pytest.approx(1e-3, rel=0.01)


def test_half_precision_learns_as_whole_precision_does(flower_spec: TrainSpec, tmp_path: Path) -> None:
    half = list(train(with_recipe(flower_spec, precision="bfloat16"), tmp_path / "half"))
    whole = list(train(flower_spec, tmp_path / "whole"))
    assert next(event for event in half if isinstance(event, Started)).device.endswith("bfloat16")
    assert curve(half) == pytest.approx(curve(whole), abs=0.05)
    assert curve(half) != curve(whole)


@pytest.mark.parametrize("optimizer", ["sgd", "adagrad", "rmsprop", "adam", "adamw", "lion", "muon"])
def test_a_run_stopped_and_resumed_gives_the_curve_of_one_that_was_not(
    flower_spec: TrainSpec, tmp_path: Path, optimizer: str
) -> None:
    spec = with_recipe(flower_spec, optimizer=optimizer, accumulate=2)
    whole = list(train(spec, tmp_path / "whole"))
    first = list(train(spec, tmp_path / "parts", after(7)))
    assert isinstance(first[-1], Stopped)
    assert first[-1].step == 7
    rest = list(train(spec, tmp_path / "parts"))
    started = next(event for event in rest if isinstance(event, Started))
    assert started.resumed_from == 7
    assert {**curve(first), **curve(rest)} == curve(whole)
    assert {**curve(first, "val/loss"), **curve(rest, "val/loss")} == curve(whole, "val/loss")


def test_a_learning_rate_that_diverges_is_told_with_its_step(flower_spec: TrainSpec, tmp_path: Path) -> None:
    spec = with_recipe(flower_spec, optimizer="sgd", lr=100.0, momentum=0.99, epochs=200)
    spec = spec.model_copy(
        update={
            "task": "tabular-regression",
            "roles": {"target": ["weight"], "features": ["size"]},
            "architecture": "linear",
            "settings": {"solver": "gradient"},
        }
    )
    with pytest.raises(Diverged, match=r"not a number at step \d+"):
        list(train(spec, tmp_path))


def test_early_stopping_keeps_the_best_weights(flower_spec: TrainSpec, tmp_path: Path) -> None:
    spec = with_recipe(flower_spec, patience=2, evaluations=40, lr=0.3, epochs=40)
    spec = spec.model_copy(update={"split": spec.split.model_copy(update={"validation": 0.2})})
    losses = curve(list(train(spec, tmp_path)), "val/loss")
    best = min(losses, key=lambda step: losses[step])
    assert max(losses) < 40 * 10
    assert list(losses).index(best) == len(losses) - 3


def test_the_learning_rate_warms_up_and_falls_to_nothing(flower_spec: TrainSpec, tmp_path: Path) -> None:
    rates = curve(list(train(with_recipe(flower_spec, warmup=0.2, schedule="linear"), tmp_path)), "train/lr")
    ordered = [rates[step] for step in sorted(rates)]
    peak = ordered.index(max(ordered))
    assert ordered[: peak + 1] == sorted(ordered[: peak + 1])
    assert ordered[peak:] == sorted(ordered[peak:], reverse=True)
    assert ordered[-1] < 0.1 * max(ordered)


def test_words_as_a_regression_target_are_refused_with_a_next_step(flower_spec: TrainSpec, tmp_path: Path) -> None:
    spec = flower_spec.model_copy(update={"task": "tabular-regression"})
    with pytest.raises(TrainingError, match="Choose a numeric column"):
        list(train(spec, tmp_path))


def test_one_class_alone_is_refused(make_data: Callable[..., Path], flower_spec: TrainSpec, tmp_path: Path) -> None:
    frame = pl.DataFrame({"size": range(50), "kind": ["rose"] * 50})
    data = make_data(frame, name="roses")
    spec = flower_spec.model_copy(update={"data": str(data), "roles": {"target": ["kind"], "features": ["size"]}})
    with pytest.raises(TrainingError, match="always “rose”"):
        list(train(spec, tmp_path / "out"))


def test_a_class_with_a_single_example_is_learnt_around(
    make_data: Callable[..., Path], flowers: pl.DataFrame, flower_spec: TrainSpec, tmp_path: Path
) -> None:
    for at in (0, 3, 8):  # wherever the split puts it
        kinds = flowers["kind"].to_list()
        kinds[at] = "orchid"
        data = make_data(flowers.with_columns(pl.Series("kind", kinds)), name=f"orchid-{at}")
        spec = flower_spec.model_copy(update={"data": str(data)})
        assert list(train(spec, tmp_path / f"out-{at}"))[-1].type == "finished"


def test_a_time_limit_ends_a_training_with_the_learning_rate_brought_down(
    flower_spec: TrainSpec, tmp_path: Path
) -> None:
    spec = with_recipe(flower_spec, epochs=9_999, minutes=0.02, evaluations=4, schedule="linear")
    events = list(train(spec, tmp_path))
    rates = list(curve(events, "train/lr").values())
    last = [event for event in events if isinstance(event, Progress)][-1]
    assert 1.2 <= last.seconds < 6
    assert last.step < last.steps
    assert rates[0] > 0.9 * spec.recipe.lr
    assert rates[-1] < 0.1 * spec.recipe.lr
    assert len(curve(events, "val/loss")) == 4
    assert events[-1].type == "finished"
