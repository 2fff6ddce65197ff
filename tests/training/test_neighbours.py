"""Neighbours on a map: which columns span it, what the nearest rows say, and that none hears its own answer."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from training.architectures import ARCHITECTURES
from training.device import choose_device
from training.examples import read_examples
from training.loop import train
from training.predict import load_predictor
from training.recipes import Recipe
from training.report import Report
from training.spec import Split, TrainSpec
from training.tabular.apart import put_aside, put_in_folds
from training.tabular.neighbours import NEAREST, Neighbours, find_neighbours

MakeData = Callable[..., Path]
FACT = "Nearest rows are asked on the map of"


def villages(rows: int = 1200) -> pl.DataFrame:
    """Worth that goes with the square of a map a row lies in, which neither side of the map tells; some lie nowhere."""
    random = np.random.default_rng(0)
    east, north, age = random.uniform(-3, 3, (3, rows))
    worth = 2.0 * ((np.floor(east) + np.floor(north)) % 2) + 0.3 * age + 0.1 * random.normal(size=rows)
    nowhere = [None if at % 50 == 0 else place for at, place in enumerate(east.tolist())]
    village = [f"v{at % 40}" for at in range(rows)]
    return pl.DataFrame({"east": nowhere, "north": north, "age": age, "village": village, "worth": worth})


@pytest.fixture
def worth(make_data: MakeData) -> TrainSpec:
    return TrainSpec(
        task="tabular-regression",
        data=str(make_data(villages())),
        roles={"target": ["worth"], "features": ["east", "north", "age"]},
        architecture="boosted-trees",
        settings={"leaves": 8},
        recipe=Recipe(epochs=15, lr=0.2),
    )


def report_of(spec: TrainSpec, folder: Path) -> Report:
    *_events, last = train(spec, folder)
    assert last.type == "finished"
    return Report.model_validate_json((folder / "report.json").read_bytes())


def test_the_two_columns_that_say_most_together_are_the_map() -> None:
    frame = villages()
    columns = {name: frame[name].fill_null(float("nan")).to_numpy() for name in ("age", "east", "north")}
    answers = frame["worth"].to_numpy()[:, None] - frame["worth"].mean()
    fold = np.arange(len(answers)) % 20
    found = find_neighbours(columns, answers, fold)
    assert found is not None
    neighbours, said = found
    assert neighbours.axes == ("east", "north")
    assert said.shape == (len(answers), len(NEAREST) + 1)
    assert np.isnan(said[0]).all()  # it lies nowhere
    there = np.isfinite(said[:, 0])
    assert np.corrcoef(said[there, 0], answers[there, 0])[0, 1] > 0.6
    assert find_neighbours(columns, np.zeros_like(answers), fold) is None
    noise = np.random.default_rng(1).normal(size=answers.shape)
    assert find_neighbours(columns, noise, fold) is None


def test_no_row_hears_its_own_answer_and_others_hear_all() -> None:
    random = np.random.default_rng(0)
    columns = {"east": random.uniform(size=400), "north": random.uniform(size=400)}
    answers = np.where((columns["east"] > 0.5) ^ (columns["north"] > 0.5), 1.0, -1.0)[:, None]
    fold = np.arange(400) % 20
    found = find_neighbours(columns, answers, fold)
    assert found is not None
    answers[7] = 7.0
    again = find_neighbours(columns, answers, fold)
    assert again is not None
    assert again[1][7].tolist() == pytest.approx(found[1][7].tolist())
    farthest = np.sort(np.hypot(*(values - values[7] for values in columns.values())) / 0.29)[30]
    sparse = found[0].sparse[0] + found[0].sparse[1] * found[1][7, -1]
    assert np.exp(sparse) == pytest.approx(farthest, rel=0.05)  # all others count for the distance
    here = {name: values[7:8] for name, values in columns.items()}
    assert again[0].say(here)[0, 0] > found[0].say(here)[0, 0] + 1.9  # a row that was not learnt from, at its place


def test_what_is_kept_in_the_model_folder_says_the_same(tmp_path: Path) -> None:
    known = Neighbours(("a", "b"), np.array([2.0, 1.0]), np.eye(40, 2), np.arange(40.0)[:, None], (0.5, 2.0))
    known.save(tmp_path)
    asked = {"a": np.array([0.1, np.nan]), "b": np.array([0.9, 1.0])}
    again = Neighbours.load(["a", "b"], tmp_path)
    assert again.say(asked).tolist()[0] == known.say(asked).tolist()[0]
    assert np.isnan(again.say({"a": np.array([np.nan]), "b": np.array([1.0])})).all()


@pytest.mark.parametrize("architecture", ["boosted-trees", "mlp"])
def test_a_map_is_learnt_sooner_by_its_neighbours_and_answered_from_as_judged(
    worth: TrainSpec, architecture: str, tmp_path: Path
) -> None:
    if architecture == "mlp":
        settings = {"hidden_sizes": "16"}
        worth = worth.model_copy(
            update={"architecture": "mlp", "settings": settings, "recipe": Recipe(epochs=4, lr=0.02)}
        )
    plain = report_of(worth, tmp_path / "plain")
    spec = worth.model_copy(update={"settings": {**worth.settings, "made": True}})
    made = report_of(spec, tmp_path / "made")
    assert made.facts[FACT] == "east and north"
    assert FACT not in plain.facts
    assert made.metrics["rmse"].value < 0.85 * plain.metrics["rmse"].value
    predictions = pl.read_parquet(tmp_path / "made" / "predictions.parquet")
    rows = pl.read_parquet(Path(spec.data) / "data.parquet")[predictions["row"].to_list()]
    predictor = load_predictor(tmp_path / "made" / "model", choose_device(Recipe()))
    answers = predictor.answer(rows.select("east", "north", "age").to_dicts(), {})
    assert [answer["value"] for answer in answers] == pytest.approx(predictions["prediction"].to_list(), abs=1e-5)


def test_a_blend_of_three_kinds_reads_neighbours_as_each_was_taught(worth: TrainSpec, tmp_path: Path) -> None:
    settings = {"members": 1, "trees": "quick", "perceptron": "quick", "linear": "quick", "many_rows": False}
    blend = {"architecture": "blend", "settings": {**settings, "made": True}, "recipe": Recipe(epochs=1, evaluations=1)}
    spec = worth.model_copy(update=blend)
    made = report_of(spec, tmp_path)
    assert made.metrics["r2"].value > 0.7
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    rows = pl.read_parquet(Path(spec.data) / "data.parquet")[predictions["row"].to_list()]
    predictor = load_predictor(tmp_path / "model", choose_device(Recipe()))
    answers = predictor.answer(rows.select("east", "north", "age").to_dicts(), {})
    assert [answer["value"] for answer in answers] == pytest.approx(predictions["prediction"].to_list(), abs=1e-5)


def test_classes_are_asked_of_neighbours_too(make_data: MakeData, tmp_path: Path) -> None:
    dear = pl.when(pl.col("worth") > 1).then(pl.lit("dear")).otherwise(pl.lit("cheap"))
    frame = villages().with_columns(dear.alias("is"))
    spec = TrainSpec(
        task="tabular-classification",
        data=str(make_data(frame)),
        roles={"target": ["is"], "features": ["east", "north"]},
        architecture="boosted-trees",
        settings={"leaves": 4, "made": True},
        recipe=Recipe(epochs=10, lr=0.2),
    )
    report = report_of(spec, tmp_path)
    assert report.facts[FACT] == "east and north"
    assert report.metrics["accuracy"].value > 0.85


def test_groups_are_put_aside_whole_where_the_split_divides_by_them(worth: TrainSpec) -> None:
    spec = worth.model_copy(update={"split": Split(how="group", column="village")})
    examples = read_examples(spec)
    assert examples.decides is not None
    village = examples.decides.gather(examples.rows["train"]).to_numpy()
    aside = put_aside(spec, examples, share=0.2)
    kept = np.setdiff1d(np.arange(len(village)), aside)
    assert 0 < len(aside) < len(kept)
    assert not set(village[aside]) & set(village[kept])
    fold = put_in_folds(spec, examples, 5)
    assert set(fold) == set(range(5))
    assert all(len(set(fold[village == name])) == 1 for name in set(village))


def test_the_latest_are_put_aside_where_the_split_goes_by_time(worth: TrainSpec) -> None:
    spec = worth.model_copy(
        update={"split": Split(how="time", column="age"), "roles": {**worth.roles, "features": ["east", "north"]}}
    )
    examples = read_examples(spec)
    assert examples.decides is not None
    age = examples.decides.gather(examples.rows["train"]).to_numpy()
    aside = put_aside(spec, examples, share=0.2)
    assert age[aside].min() > np.delete(age, aside).max()


def test_the_formula_of_a_linear_model_names_what_neighbours_say(worth: TrainSpec, tmp_path: Path) -> None:
    settings = ARCHITECTURES["linear"].model_validate({"made": True}).model_dump(mode="json")
    spec = worth.model_copy(update={"architecture": "linear", "settings": settings, "recipe": Recipe(epochs=1)})
    facts = report_of(spec, tmp_path).facts
    assert float(str(facts["Weight of the 10 nearest rows"])) > 0.3
    assert float(str(facts["Weight of age"])) == pytest.approx(0.3, abs=0.05)
