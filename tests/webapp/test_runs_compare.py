"""Two models' answers to the same questions, and what a training will take."""

from dataclasses import replace
from math import comb

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs_kit import make_version, queue

from training.data.lessons import write_capitals
from training.data.split import count_parts
from training.errors import TrainingError
from training.facts import count_rows, facts_of
from training.recipes import PRESETS
from training.spec import Split
from webapp.core.storage import local_folder
from webapp.runs import services, workspace
from webapp.runs.comparing import answers, paired
from webapp.runs.comparing.compare import _pairs
from webapp.runs.estimate import TIGHT, _too_big, _work, estimate, memory_bytes
from webapp.runs.models import Run
from webapp.runs.queue import expected_wait, position


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_exact_binomial(fixed, broken):
    n, k = fixed + broken, min(fixed, broken)
    by_hand = min(1.0, 2 * sum(comb(n, i) for i in range(k + 1)) / 2**n)
    assert answers.mcnemar(fixed, broken) == pytest.approx(by_hand)


def test_mcnemar_of_many_examples_is_quick_and_small():
    assert answers.mcnemar(3_120, 1_200) < 1e-6
    assert answers.mcnemar(5_000, 5_010) > 0.9


def test_a_bootstrap_interval_covers_the_true_difference_as_often_as_it_says():
    random = np.random.default_rng(0)
    hits = 0
    for _ in range(60):
        low, high, _p = answers.paired_bootstrap(random.normal(0.3, 1.0, 80))
        hits += low <= 0.3 <= high
    assert 50 <= hits <= 60


def test_no_difference_is_never_called_one():
    _low, _high, p = answers.paired_bootstrap(np.zeros(50))
    assert p == 1.0


def test_many_examples_need_no_resampling_and_say_the_same():
    differences = np.random.default_rng(0).normal(0.02, 1.0, answers.MOST_RESAMPLED + 1)
    fast, slow = answers.paired_bootstrap(differences), answers.paired_bootstrap(differences[:-1])
    assert fast[:2] == pytest.approx(slow[:2], abs=0.005)


@pytest.fixture
def runs(seat, version):
    return queue(seat, version, name="A"), queue(seat, version, name="B")


def answered(run, *, correct=None, loss=None, first_row=0):
    """Let the run have finished with these answers to the held-out examples."""
    n = len(correct if correct is not None else loss)
    columns = {
        "id": list(range(n)),
        "row": list(range(first_row, first_row + n)),
        "truth": ["x"] * n,
        "loss": [0.0] * n if loss is None else [float(each) for each in loss],
    }
    if correct is not None:
        columns["correct"] = [bool(each) for each in correct]
    path = workspace.local_path(run) / "predictions.parquet"
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.table(columns), path)
    Run.objects.filter(pk=run.pk).update(status=Run.Status.FINISHED)
    run.refresh_from_db()


def test_a_model_that_fixes_much_and_breaks_little_is_called_better(runs):
    answered(runs[0], correct=[0] * 30 + [1] * 70)
    answered(runs[1], correct=[1] * 28 + [0] * 2 + [1] * 69 + [0])
    verdict = paired.judge(*runs, paired.compare_answers(*runs))
    assert (verdict["fixed"], verdict["broken"], verdict["better"]) == (28, 1, runs[1].pk)
    assert verdict["sentence"] == "“B” is better: 28 fixed, 1 broken (p < 0.001)."
    assert verdict["difference"] == pytest.approx(0.27)
    assert verdict["low"] < 0.27 < verdict["high"]


def test_a_model_that_breaks_more_is_called_worse(runs):
    answered(runs[0], correct=[1] * 50)
    answered(runs[1], correct=[0] * 20 + [1] * 30)
    verdict = paired.judge(*runs, paired.compare_answers(*runs))
    assert verdict["better"] == runs[0].pk
    assert "is worse" in verdict["sentence"]


def test_a_toss_up_is_called_one(runs):
    answered(runs[0], correct=[1, 0] * 20)
    answered(runs[1], correct=[0, 1] * 20)
    verdict = paired.judge(*runs, paired.compare_answers(*runs))
    assert verdict["better"] is None
    assert verdict["sentence"].startswith("No real difference")


def test_numbers_are_compared_by_their_distance_from_the_truth(runs):
    far = np.abs(np.random.default_rng(0).normal(40_000, 1_000, 50))
    answered(runs[0], loss=far)
    answered(runs[1], loss=far - 22_280)
    verdict = paired.judge(*runs, paired.compare_answers(*runs))
    assert verdict["test"] == "bootstrap"
    assert verdict["better"] == runs[1].pk
    assert verdict["difference"] == pytest.approx(-22_280)
    assert "its mean error is 22,280 smaller" in verdict["sentence"]


def test_different_questions_are_not_compared_and_the_page_says_so(runs):
    answered(runs[0], correct=[1] * 10)
    answered(runs[1], correct=[1] * 10, first_row=5)
    assert paired.compare_answers(*runs) is None
    assert "different held-out examples" in _pairs(runs)[1][0]


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_makes_a_spec_that_can_be_estimated(version, preset):
    spec = services.propose_spec(version, preset=preset)
    found = estimate(spec, version)
    assert found["verdict"] == "fits"
    assert found["steps"] >= 1
    assert found["rows"]["train"] + found["rows"]["test"] == version.rows


def test_a_batch_too_large_for_the_memory_comes_with_a_remedy_that_fits(version):
    spec = services.propose_spec(version, architecture="mlp", recipe={"batch_size": 65_536})
    work = work_of(spec, version)
    fitting = spec.recipe.model_copy(update={"batch_size": 1024})
    room = int(memory_bytes(fitting, work, 0) / TIGHT) + 1
    found = _too_big(spec, work, 0, room)
    assert found["verdict"] == "too_big"
    assert found["remedy"]["changes"] == {"batch_size": 1024, "accumulate": 64}
    assert "1024" in found["remedy"]["label"]


def test_weights_that_are_not_trained_need_no_room_for_corrections(version):
    spec = services.propose_spec(version, architecture="mlp", recipe={"optimizer": "adamw"})
    work = work_of(spec, version)
    weights = work.cost.parameters
    frozen = replace(work, cost=replace(work.cost, frozen=weights, frozen_bytes=4.0 * weights))
    saved = memory_bytes(spec.recipe, work, 0) - memory_bytes(spec.recipe, frozen, 0)
    assert saved == pytest.approx(3 * 4 * weights, abs=1)  # the gradient, and the two numbers that AdamW keeps


def test_a_network_that_no_batch_makes_fit_is_refused_in_words(version):
    spec = services.propose_spec(version, architecture="mlp")
    found = _too_big(spec, work_of(spec, version), 0, room=1)
    assert found["remedy"] is None
    assert "smaller network" in found["sentence"]


def work_of(spec, version):
    facts = facts_of(version.describe(), task=spec.task, roles=spec.roles, split=spec.split)
    return _work(spec, facts, held_out=40)


def test_more_rows_and_more_epochs_take_longer(version):
    short = services.propose_spec(version, recipe={"epochs": 10})
    long = services.propose_spec(version, recipe={"epochs": 1000})
    assert estimate(long, version)["seconds"] > 3 * estimate(short, version)["seconds"]


def test_conversations_are_counted_as_the_training_will_draw_them(seat, tmp_path):
    write_capitals(capitals := tmp_path / "capitals.jsonl")
    version = make_version(seat, tmp_path, name="Capitals", file=capitals)
    spec = services.propose_spec(version, recipe={"epochs": 2, "batch_size": 4, "accumulate": 2})
    assert spec.architecture == "pretrained-causal"
    found = estimate(spec, version)
    assert (found["rows"]["train"], found["steps"]) == (47, 12)


def test_the_files_own_parts_are_counted(version):
    description = version.describe().model_copy(update={"rows": 100, "parts": {"train": 60, "test": 40}})
    assert count_rows(description, Split()) == {"train": 60, "val": 40, "test": 40}
    halves = Split(test=0.5, validation=0.1)
    assert count_rows(description.model_copy(update={"parts": {}}), halves) == {"train": 40, "val": 10, "test": 50}


def test_the_counts_are_those_of_the_division_that_a_run_makes(version):
    description = version.describe()
    for split in (Split(validation=0.1), Split(folds=5, fold=2), Split(folds=4, validation=0.2)):
        real = count_parts(local_folder(version.folder), split)
        said = count_rows(description, split)
        assert said["train"] == pytest.approx(real["train"], abs=20)
        assert said["test"] == pytest.approx(real["test"], abs=20)


def test_a_target_given_alone_takes_the_other_columns_to_learn_from(version):
    spec = services.propose_spec(version, roles={"target": "weight"})
    assert spec.task == "tabular-regression"
    assert set(spec.roles["features"]) == {"size", "colour", "kind"}


def test_a_column_cannot_be_both_question_and_answer(version):
    spec = services.propose_spec(version, roles={"target": "colour"})
    assert "colour" not in spec.roles["features"]


def test_a_role_that_a_task_has_not_is_named(version):
    with pytest.raises(TrainingError, match="has no role “text”"):
        services.propose_spec(version, task="tabular-classification", roles={"text": "colour"})


def test_facts_of_a_table_count_columns_classes_and_gaps(version):
    spec = services.propose_spec(version)
    facts = facts_of(version.describe(), task=spec.task, roles=spec.roles, split=spec.split)
    assert facts.rows == 160
    assert facts.shapes.outputs == 2
    assert facts.shapes.numbers == 2
    assert facts.shapes.categories == (3,)


def test_who_waits_knows_the_place_and_about_how_long(runs):
    first, second = runs
    assert (position(first), position(second)) == (1, 2)
    assert expected_wait(second) > expected_wait(first)


def test_names_are_readable_and_slugs_are_unique(seat, version):
    first, second = queue(seat, version), queue(seat, version)
    assert first.name == "Flowers · Multilayer perceptron · 1"
    assert second.name == "Flowers · Multilayer perceptron · 2"
    assert first.slug != second.slug
    assert queue(seat, version, name="花").slug
