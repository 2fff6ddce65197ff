"""Boosted trees: rounds, what they leave behind, made columns, and what stands beside every result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tests.training.test_loop import after, curve
from tests.training.test_tables import learnt, report_of
from training.device import choose_device
from training.events import Started, Stopped
from training.loop import train
from training.models import lightgbm_forest
from training.predict import load_predictor
from training.recipes import Recipe
from training.spec import TrainSpec
from training.tabular.made_columns import find_made

MakeData = Callable[..., Path]


@pytest.fixture
def waves(make_data: MakeData) -> TrainSpec:
    """A number that follows a bend, which a straight line cannot, with gaps and a category."""
    random = np.random.default_rng(0)
    place = random.uniform(-3, 3, 400)
    colour = random.choice(["red", "blue"], 400)
    height = np.sin(2 * place) + (colour == "red") + 0.05 * random.normal(size=400)
    gappy = [None if at % 20 == 0 else value for at, value in enumerate(place.tolist())]
    frame = pl.DataFrame({"place": gappy, "colour": colour, "height": height})
    return TrainSpec(
        task="tabular-regression",
        data=str(make_data(frame)),
        roles={"target": ["height"], "features": ["place", "colour"]},
        architecture="boosted-trees",
        settings={"least_rows": 5},
        recipe=Recipe(epochs=40, lr=0.2, evaluations=40),
    )


@pytest.mark.parametrize("library", ["lightgbm", "catboost"])
def test_boosted_trees_tell_every_round_and_answer_as_they_were_judged(
    waves: TrainSpec, tmp_path: Path, library: str
) -> None:
    spec = waves.model_copy(update={"settings": waves.settings | {"library": library}})
    events = learnt(spec, tmp_path)
    losses, held_out = curve(events), curve(events, "val/loss")
    assert list(losses) == list(held_out) == list(range(1, 41))
    assert losses[40] < losses[1]
    report = report_of(tmp_path)
    assert report.metrics["r2"].value > 0.9
    assert held_out[40] == pytest.approx(1 - report.metrics["r2"].value, rel=0.3)

    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    rows = pl.read_parquet(Path(spec.data) / "data.parquet")[predictions["row"].to_list()]
    inputs = rows.select("place", "colour").to_dicts()
    answers = load_predictor(tmp_path / "model", choose_device(Recipe())).answer(inputs, {})
    assert [answer["value"] for answer in answers] == pytest.approx(predictions["prediction"].to_list(), abs=1e-6)


def test_boosted_trees_keep_their_text_and_no_pickle(waves: TrainSpec, tmp_path: Path) -> None:
    learnt(waves, tmp_path)
    files = {path.name for path in (tmp_path / "model").iterdir()}
    assert files == {"config.json", "model.safetensors", "lightgbm.txt"}
    assert (tmp_path / "model" / "lightgbm.txt").read_text().startswith("tree")


def test_counts_of_like_size_are_divided_and_other_numbers_turned_as_on_a_map() -> None:
    rooms, homes, people = [4.0, 6.0, 9.0], [2.0, 0.0, 3.0], [900.0, 800.0, 700.0]
    east, north = [0.5, 1.5, 2.5], [0.1, 1.2, np.nan]
    columns = {"rooms": rooms, "homes": homes, "people": people, "east": east, "north": north}
    numbers = {name: np.array(column) for name, column in columns.items()}
    made = find_made(numbers)
    assert [column.title for column in made][:2] == ["rooms / homes", "homes and east at 15°"]
    assert len(made) == 1 + 2 * 10
    assert made[0].of(numbers).tolist() == pytest.approx([2.0, np.nan, 3.0], nan_ok=True)
    slanting = next(column for column in made if column.title == "east and north at 45°")
    assert slanting.of(numbers)[:2].tolist() == pytest.approx([0.6 * 0.5**0.5, 2.7 * 0.5**0.5])


def test_trees_see_a_ratio_once_it_is_a_column_and_answer_from_it(make_data: MakeData, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rooms, homes = random.integers(1, 400, (2, 600))
    frame = pl.DataFrame({"rooms": rooms, "homes": homes, "worth": np.log(rooms / homes)})
    errors = []
    for made in (False, True):
        spec = TrainSpec(
            task="tabular-regression",
            data=str(make_data(frame, name=f"data-{made}")),
            roles={"target": ["worth"], "features": ["rooms", "homes"]},
            architecture="boosted-trees",
            settings={"made": made},
            recipe=Recipe(epochs=30, lr=0.2),
        )
        learnt(spec, tmp_path / str(made))
        errors.append(report_of(tmp_path / str(made)).metrics["rmse"].value)
    assert errors[1] < 0.7 * errors[0]
    predictor = load_predictor(tmp_path / "True" / "model", choose_device(Recipe()))
    (answer,) = predictor.answer([{"rooms": 300, "homes": 100}], {})
    assert answer["value"] == pytest.approx(np.log(3), abs=0.2)


@pytest.mark.parametrize("library", ["lightgbm", "catboost"])
def test_boosted_trees_stopped_and_resumed_draw_the_curve_of_a_run_that_was_not(
    waves: TrainSpec, tmp_path: Path, library: str
) -> None:
    settings = waves.settings | {"library": library, "row_share": 0.7, "column_share": 0.5}
    spec = waves.model_copy(update={"settings": settings})
    whole = learnt(spec, tmp_path / "whole")
    first = list(train(spec, tmp_path / "parts", after(12)))
    assert isinstance(first[-1], Stopped)
    assert first[-1].step == 12
    rest = learnt(spec, tmp_path / "parts")
    assert next(event for event in rest if isinstance(event, Started)).resumed_from == 12
    assert min(curve(rest)) == 13
    assert {**curve(first), **curve(rest)} == curve(whole)
    assert report_of(tmp_path / "parts").metrics == report_of(tmp_path / "whole").metrics


def test_boosted_trees_with_patience_keep_their_best_round(waves: TrainSpec, tmp_path: Path) -> None:
    recipe = waves.recipe.model_copy(update={"patience": 3, "lr": 1.0, "epochs": 500, "evaluations": 500})
    spec = waves.model_copy(update={"recipe": recipe, "split": waves.split.model_copy(update={"validation": 0.2})})
    losses = curve(learnt(spec, tmp_path), "val/loss")
    best = min(losses, key=lambda step: losses[step])
    assert len(losses) == best + 3 < 500
    text = (tmp_path / "model" / "lightgbm.txt").read_text()
    assert text.count("Tree=") == best


def test_every_result_on_a_table_stands_beside_a_linear_model_and_boosted_trees(
    flower_spec: TrainSpec, tmp_path: Path
) -> None:
    learnt(flower_spec, tmp_path / "mlp")
    linear = flower_spec.model_copy(update={"architecture": "linear", "settings": {}})
    learnt(linear, tmp_path / "linear")
    beside = {key: {baseline.key for baseline in report_of(tmp_path / key).baselines} for key in ("mlp", "linear")}
    assert beside == {"mlp": {"majority", "linear", "boosted-trees"}, "linear": {"majority", "boosted-trees"}}


def test_more_than_two_classes_are_boosted_with_one_tree_each(make_data: MakeData, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    size = random.uniform(0, 3, 300)
    frame = pl.DataFrame({"size": size, "kind": [("small", "middle", "large")[int(value)] for value in size]})
    spec = TrainSpec(
        task="tabular-classification",
        data=str(make_data(frame)),
        roles={"target": ["kind"], "features": ["size"]},
        architecture="boosted-trees",
        recipe=Recipe(epochs=20, lr=0.3),
    )
    learnt(spec, tmp_path)
    assert report_of(tmp_path).metrics["accuracy"].value > 0.95
    config = json.loads((tmp_path / "model" / "config.json").read_bytes())
    assert config["shapes"]["outputs"] == 3


def test_a_table_of_categories_alone_is_learnt_beside_its_baselines(waves, tmp_path):
    roles = {"target": ["height"], "features": ["colour"]}
    learnt(waves.model_copy(update={"roles": roles}), tmp_path)
    assert report_of(tmp_path).baselines


def test_categories_are_split_by_sets_or_one_by_one(make_data: MakeData, tmp_path: Path) -> None:
    names = [f"town {number % 20}" for number in range(800)]
    worth = [float(number % 20 % 2) for number in range(800)]
    spec = TrainSpec(
        task="tabular-regression",
        data=str(make_data(pl.DataFrame({"town": names, "worth": worth}))),
        roles={"target": ["worth"], "features": ["town"]},
        architecture="boosted-trees",
        settings={"leaves": 2, "category_rows": 0},
        recipe=Recipe(epochs=1, lr=1.0),
    )
    learnt(spec, tmp_path / "sets")
    learnt(spec.model_copy(update={"settings": {**spec.settings, "single_categories": 64}}), tmp_path / "single")
    errors = {kind: report_of(tmp_path / kind).metrics["rmse"].value for kind in ("sets", "single")}
    assert errors["sets"] < 0.1  # one split tells ten towns from the ten others
    assert errors["single"] > 0.4  # one split tells one town from the rest


def test_trees_mind_a_rare_class_more_where_classes_count_the_same(make_data: MakeData, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    size = random.normal(size=600)
    kind = np.where(size + random.normal(size=600) > 1.8, "rare", "usual")
    data = str(make_data(pl.DataFrame({"size": size, "kind": kind})))
    balanced = []
    for weights in ("none", "balanced"):
        spec = TrainSpec(
            task="tabular-classification",
            data=data,
            roles={"target": ["kind"], "features": ["size"]},
            architecture="boosted-trees",
            recipe=Recipe(epochs=20, class_weights=weights),
        )
        learnt(spec, tmp_path / weights)
        balanced.append(report_of(tmp_path / weights).metrics["balanced_accuracy"].value)
    assert balanced[1] > balanced[0]


def test_many_rows_are_given_to_trees_in_batches_and_teach_the_same(
    waves: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = learnt(waves, tmp_path / "whole")
    monkeypatch.setattr(lightgbm_forest, "MOST_CELLS", 0)
    monkeypatch.setattr(lightgbm_forest, "ROWS_AT_ONCE", 32)
    batches = learnt(waves, tmp_path / "batches")
    assert curve(batches, "val/loss") == curve(whole, "val/loss")
    assert report_of(tmp_path / "batches").metrics == report_of(tmp_path / "whole").metrics


def test_losses_of_trees_are_told_as_often_as_asked_the_last_round_included(waves: TrainSpec, tmp_path: Path) -> None:
    spec = waves.model_copy(update={"recipe": waves.recipe.model_copy(update={"evaluations": 3})})
    assert list(curve(learnt(spec, tmp_path), "val/loss")) == [13, 27, 40]
