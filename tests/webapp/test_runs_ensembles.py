"""Ensembles on the way to a run: offered where they make sense, counted in what it will take, answering as one."""

import pytest
from django.http import QueryDict
from runs_kit import make_version, queue, train_here

from webapp.runs import services
from webapp.runs.drafting.new_run import NewRun
from webapp.runs.estimate import estimate

pytestmark = pytest.mark.django_db(transaction=True)

MOODS = "text,mood\n" + "\n".join(f"a {word} day {at},{word}" for at in range(60) for word in ("good", "bad"))


def offered(seat, **asked):
    """The recipe's fields that the form shows."""
    data = QueryDict(mutable=True)
    data.update(asked)
    groups = NewRun(member=seat, data=data).settings.advanced_groups
    return {field.name for group in groups for field in group.fields}


def test_an_ensemble_is_offered_where_its_answers_have_a_mean(seat, redis, tmp_path):
    moods = make_version(seat, tmp_path, MOODS, name="Moods").dataset_id
    texts = offered(seat, dataset=moods, task="text-classification", architecture="text-bag")
    assert {"ensemble", "bagging", "average"} <= texts
    counted = offered(seat, dataset=moods, task="text-classification", architecture="counted-words")
    writing = offered(seat, dataset=moods, task="language-modeling", architecture="gpt")
    assert "average" in writing
    assert not {"ensemble", "bagging"} & (counted | writing)


def test_settings_that_the_task_does_not_read_are_not_offered(seat, redis, tmp_path):
    moods = make_version(seat, tmp_path, MOODS, name="Moods").dataset_id
    sorting = offered(seat, dataset=moods, task="text-classification", architecture="text-bag")
    writing = offered(seat, dataset=moods, task="language-modeling", architecture="gpt")
    assert {"class_weights", "focal", "label_smoothing"} <= sorting
    assert not {"huber", "augment", "mix"} & sorting
    assert "label_smoothing" in writing
    assert not {"class_weights", "focal", "huber", "augment", "mix"} & writing


def test_the_estimate_counts_every_member(seat, redis, tmp_path):
    version = make_version(seat, tmp_path)
    one, four = (
        estimate(
            services.propose_spec(version, architecture="mlp", recipe={"ensemble": members, "epochs": 1000}), version
        )
        for members in (1, 4)
    )
    assert (four["steps"], four["parameters"]) == (4 * one["steps"], 4 * one["parameters"])
    assert four["seconds"] > 3 * one["seconds"]
    assert four["memory_bytes"] > one["memory_bytes"]


def test_an_ensemble_is_one_run_with_one_result(seat, redis, tmp_path):
    run = queue(seat, make_version(seat, tmp_path), ensemble=2, bagging=True, average="ema")
    train_here(run)
    run.refresh_from_db()
    assert run.status == "finished"
    assert run.step == run.steps
    assert run.notes.filter(kind="phase", data__title="Training network 2 of 2").exists()
