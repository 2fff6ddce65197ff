"""Several kinds of model as one: shares from rows that were not seen, one curve, one folder, one answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from tests.training.test_loop import after, curve
from training.device import choose_device
from training.events import Event, Phase, Progress, Started, Stopped, Warning
from training.loop import train
from training.models.scaled import Scaled
from training.predict import load_predictor
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec
from training.tabular.reading import RowReading
from training.tabular.tables import learn_encoding
from training.techniques.blending import choose_shares, unseen_loss

MakeData = Callable[..., Path]


@pytest.fixture
def steps(make_data: MakeData) -> TrainSpec:
    """A number that a straight line follows but for one step, with gaps and a category."""
    random = np.random.default_rng(0)
    place, colour = random.uniform(-3, 3, 400), random.choice(["red", "blue"], 400)
    height = place + 2.0 * (colour == "red") + (place > 1) + 0.1 * random.normal(size=400)
    gappy = [None if at % 20 == 0 else value for at, value in enumerate(place.tolist())]
    return TrainSpec(
        task="tabular-regression",
        data=str(make_data(pl.DataFrame({"place": gappy, "colour": colour, "height": height}))),
        roles={"target": ["height"], "features": ["place", "colour"]},
        architecture="blend",
        settings={"members": 2, "trees": "quick", "perceptron": "quick", "linear": "quick", "many_rows": False},
        recipe=Recipe(epochs=1, evaluations=2),
    )


def learnt(spec: TrainSpec, folder: Path) -> tuple[list[Event], Report]:
    events = list(train(spec, folder))
    assert events[-1].type == "finished"
    return events, Report.model_validate_json((folder / "report.json").read_bytes())


def test_the_report_names_the_shares_and_the_blend_is_no_worse_than_its_kinds(steps: TrainSpec, tmp_path: Path) -> None:
    events, report = learnt(steps, tmp_path)
    shares = [report.facts[f"Share of {kind}"] for kind in ("Linear model", "Boosted trees", "Multilayer perceptron")]
    assert sum(map(float, shares)) == pytest.approx(1)  # type: ignore[arg-type]
    losses = {title: float(value) for title, value in report.facts.items() if title.startswith("Loss")}  # type: ignore[arg-type]
    together = losses.pop("Loss of the blend on unseen rows")
    assert together <= min(losses.values())
    titles = [event.title for event in events if isinstance(event, Phase) and event.name == "training"]
    asked = sum(share > 0 for share in map(float, shares))  # type: ignore[arg-type]
    assert titles[0] == "Training 1 of 9: Linear model, to see how much it counts"
    assert len(titles) == 3 + 2 * asked
    told = [event for event in events if isinstance(event, Progress)]
    assert told[-1].step == told[-1].steps == max(curve(events))
    assert len([event for event in events if isinstance(event, Started)]) == 1


def test_a_blend_answers_as_it_was_judged_gaps_and_new_names_included(steps: TrainSpec, tmp_path: Path) -> None:
    learnt(steps, tmp_path)
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    rows = pl.read_parquet(Path(steps.data) / "data.parquet")[predictions["row"].to_list()]
    predictor = load_predictor(tmp_path / "model", choose_device(Recipe()))
    answers = predictor.answer(rows.select("place", "colour").to_dicts(), {})
    assert [answer["value"] for answer in answers] == pytest.approx(predictions["prediction"].to_list(), abs=1e-5)
    (answer,) = predictor.answer([{"place": None, "colour": "never seen"}], {})
    assert np.isfinite(float(str(answer["value"])))


def test_a_pause_changes_neither_curve_nor_shares(steps: TrainSpec, tmp_path: Path) -> None:
    whole, report = learnt(steps, tmp_path / "whole")
    first = list(train(steps, tmp_path / "parts", after(120)))  # in the first perceptron
    assert isinstance(first[-1], Stopped)
    rest, again = learnt(steps, tmp_path / "parts")
    assert {**curve(first), **curve(rest)} == curve(whole)
    assert again.facts == report.facts
    assert again.metrics["rmse"].value == pytest.approx(report.metrics["rmse"].value)


def test_of_few_rows_every_kind_counts_the_same(flower_spec: TrainSpec, tmp_path: Path) -> None:
    settings = {"members": 2, "trees": "quick", "perceptron": "off", "linear": "quick", "many_rows": False}
    spec = flower_spec.model_copy(update={"architecture": "blend", "settings": settings})
    events, report = learnt(spec, tmp_path)
    assert any("every kind of model counts the same" in event.message for event in events if isinstance(event, Warning))
    assert not report.facts
    predictor = load_predictor(tmp_path / "model", choose_device(Recipe()))
    (answer,) = predictor.answer([{"size": 3.0, "weight": 9.0, "colour": None}], {})
    assert sum(dict(answer["probabilities"]).values()) == pytest.approx(1)  # type: ignore[call-overload]


def test_shares_are_those_worked_out_by_hand() -> None:
    targets = torch.tensor([0.0, 1.0, 2.0])
    right, high, low = targets[:, None], targets[:, None] + 1, targets[:, None] - 3
    assert choose_shares(torch.stack([high, right]), targets).tolist() == [0, 1]
    shares = choose_shares(torch.stack([high, low]), targets)  # 3/4 of one too high and 1/4 of three too low is right
    assert shares.tolist() == pytest.approx([0.75, 0.25], abs=0.02)
    sure = torch.tensor([[0.5, 0.5], [0.2, 0.8]])
    assert unseen_loss(sure, torch.tensor([0, 1])) == pytest.approx(-(np.log(0.5) + np.log(0.8)) / 2)


def test_a_network_in_a_blend_reads_rows_as_its_own_table_does() -> None:
    frame = pl.DataFrame({"size": [1.0, None, 9.0, 4.0], "age": [3.0, 4.0, 5.0, 100.0]})
    plain, robust = learn_encoding(frame, "plain"), learn_encoding(frame, "robust")
    wrapped = Scaled(torch.nn.Identity(), 2, "robust")
    wrapped.take_scales(RowReading(robust))
    read = wrapped.scaled(torch.from_numpy(plain.encode(frame)[0]))
    assert read.numpy() == pytest.approx(robust.encode(frame)[0])


def test_a_blend_of_nothing_is_refused_in_words(steps: TrainSpec) -> None:
    nothing = {"trees": "off", "perceptron": "off"}
    with pytest.raises(ValueError, match="Choose at least one kind of model"):
        TrainSpec.model_validate(steps.model_dump() | {"settings": nothing})


def test_a_blend_and_trees_that_cannot_go_on_from_a_run_say_so(steps: TrainSpec, tmp_path: Path) -> None:
    alone = steps.model_copy(update={"architecture": "boosted-trees", "settings": {}, "recipe": Recipe(epochs=5)})
    for spec in (alone, steps):
        learnt(spec, tmp_path / spec.architecture)
        start = {"start_from": str(tmp_path / spec.architecture / "model")}
        events, _report = learnt(spec.model_copy(update=start), tmp_path / f"{spec.architecture} again")
        (warning,) = [event for event in events if isinstance(event, Warning)]
        assert "always starts afresh" in warning.message
