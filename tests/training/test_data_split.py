"""Ways to hold examples out."""

from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from pydantic import ValidationError

from training.data.split import assign_parts, count_parts
from training.errors import TrainingError
from training.examples import read_examples
from training.spec import Split

COUNT = 1000
NONE = [None] * COUNT


def some_ids(count: int = COUNT) -> np.ndarray:
    return np.random.default_rng(0).integers(-(2**63), 2**63 - 1, count)


def divided(split: Split, column: pl.Series, ids: np.ndarray | None = None) -> pl.DataFrame:
    ids = some_ids() if ids is None else ids
    return pl.DataFrame({"value": column, "part": assign_parts(ids, [None] * len(ids), split, column)})


def test_every_class_has_its_share():
    classes = pl.Series("kind", ["rare"] * 10 + ["common"] * 990)
    frame = divided(Split(how="stratified", test=0.2, validation=0.1), classes)
    counts = {(value, part): count for value, part, count in frame.group_by("value", "part").len().rows()}
    assert counts["rare", "test"], counts["rare", "val"] == (2, 1)
    assert (counts["common", "test"], counts["common", "val"]) == (198, 99)


def test_equal_examples_of_a_class_fall_on_the_same_side():
    ids = np.concatenate([some_ids(), some_ids()])
    frame = divided(Split(how="stratified", test=0.3), pl.Series("kind", ["a", "b"] * COUNT), ids)
    assert frame["part"][:COUNT].to_list() == frame["part"][COUNT:].to_list()


@pytest.mark.parametrize("dtype", [pl.Int64, pl.String])
@pytest.mark.parametrize("folds", [0, 4])
def test_a_group_is_on_one_side_only(dtype, folds):
    groups = pl.Series("who", np.random.default_rng(1).integers(0, 100, COUNT)).cast(dtype)
    frame = divided(Split(how="group", column="who", validation=0.1, folds=folds), groups)
    assert frame.group_by("value").agg(pl.col("part").n_unique())["part"].max() == 1
    assert set(frame["part"]) == {"train", "val", "test"}


def test_adding_rows_moves_no_group():
    groups = pl.Series("who", np.arange(COUNT) % 50)
    split = Split(how="group", column="who")
    fewer = divided(split, groups[:300], some_ids()[:300])
    assert divided(split, groups)["part"][:300].to_list() == fewer["part"].to_list()


def test_the_latest_rows_judge():
    days = pl.Series("day", [datetime(2024, 1, 1) + timedelta(days=n % 500) for n in range(COUNT)])
    frame = divided(Split(how="time", column="day", test=0.2, validation=0.1), days)
    train, val, test = (frame.filter(pl.col("part") == part)["value"] for part in ("train", "val", "test"))
    assert train.max() < val.min() < val.max() < test.min()
    assert (len(val), len(test)) == (pytest.approx(100, abs=2), 200)


def test_a_row_without_a_time_is_not_held_out():
    frame = divided(Split(how="time", column="at"), pl.Series("at", [None, *range(COUNT - 1)]))
    assert frame["part"][0] == "train"


def test_a_column_says_the_parts():
    column = pl.Series("fold", ["training"] * 700 + ["Dev"] * 100 + ["test"] * 200)
    parts = assign_parts(some_ids(), NONE, Split(how="column", column="fold"), column)
    assert parts.tolist() == ["train"] * 700 + ["val"] * 100 + ["test"] * 200


@pytest.mark.parametrize(("word", "message"), [("maybe", "says “maybe”"), ("train", "holds no row out")])
def test_a_column_that_says_something_else_is_refused(word, message):
    with pytest.raises(TrainingError, match=message):
        assign_parts(some_ids(), NONE, Split(how="column", column="x"), pl.Series("x", ["train"] * 999 + [word]))


def test_every_example_is_held_out_by_one_fold():
    folds = [assign_parts(some_ids(), NONE, Split(folds=5, fold=fold, validation=0.1)) for fold in range(1, 6)]
    held = np.array([parts == "test" for parts in folds])
    assert (held.sum(axis=0) == 1).all()
    assert held.mean(axis=1) == pytest.approx([0.2] * 5, abs=0.04)
    assert [(parts == "val").mean() for parts in folds] == pytest.approx([0.1] * 5, abs=0.03)


@pytest.mark.parametrize(
    "settings", [{"how": "group"}, {"folds": 1}, {"folds": 3, "fold": 4}, {"how": "time", "column": "t", "folds": 5}]
)
def test_settings_that_do_not_go_together_are_refused(settings):
    with pytest.raises(ValidationError):
        Split(**settings)


def test_a_run_learns_from_the_groups_it_is_given(flower_spec, flowers):
    split = Split(how="group", column="colour", test=0.5)
    with pytest.raises(TrainingError, match="“colour” divides the rows"):
        read_examples(flower_spec.model_copy(update={"split": split}))
    roles = {"target": ["kind"], "features": ["size", "weight"]}
    examples = read_examples(flower_spec.model_copy(update={"split": split, "roles": roles}))
    sides = [set(flowers["colour"].gather(examples.rows[part])) for part in ("train", "test")]
    assert sides in ([{"red"}, {"blue"}], [{"blue"}, {"red"}])


def test_the_parts_can_be_counted_before_a_run(flower_spec, flowers):
    counts = count_parts(Path(flower_spec.data), Split(how="stratified", test=0.25), "kind")
    assert sum(counts.values()) == len(flowers)
    assert counts["test"] == pytest.approx(50, abs=1)
