"""Several networks as one model: each the run of its own seed, the mean as the answer, one curve, one folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.training.test_loop import after, curve, with_recipe
from tests.training.tiny_data import DATA
from training.device import choose_device
from training.events import Finished, Phase, Progress, Started, Stopped
from training.loop import train
from training.models.ensemble import mean_of_all
from training.predict import load_predictor
from training.recipes import Recipe
from training.spec import TrainSpec
from training.techniques.bagging import Bag


def answers(folder: Path, row: dict[str, object]) -> dict[str, float]:
    predictor = load_predictor(folder / "model", choose_device(Recipe()))
    return dict(predictor.answer([row], {})[0]["probabilities"])  # type: ignore[call-overload]


def test_members_are_the_runs_of_their_seeds_and_answer_by_the_mean(flower_spec: TrainSpec, tmp_path: Path) -> None:
    together = list(train(with_recipe(flower_spec, ensemble=3), tmp_path / "together"))
    alone = [list(train(with_recipe(flower_spec, seed=seed), tmp_path / str(seed))) for seed in range(3)]
    steps = max(curve(alone[0]))
    expected = {number * steps + step: loss for number, run in enumerate(alone) for step, loss in curve(run).items()}
    assert curve(together) == expected

    row: dict[str, object] = {"size": 0.6, "weight": 2.0, "colour": "red"}
    each = [answers(tmp_path / str(seed), row) for seed in range(3)]
    mean = {label: np.mean([answer[label] for answer in each]) for label in each[0]}
    assert answers(tmp_path / "together", row) == pytest.approx(mean, rel=1e-4)


def test_steps_and_parameters_count_all_members(flower_spec: TrainSpec, tmp_path: Path) -> None:
    events = list(train(with_recipe(flower_spec, ensemble=2), tmp_path / "two"))
    single = next(event for event in train(flower_spec, tmp_path / "one") if isinstance(event, Started))
    (started,) = [event for event in events if isinstance(event, Started)]
    assert (started.steps, started.parameters, started.epochs) == (2 * single.steps, 2 * single.parameters, 10)
    told = [event for event in events if isinstance(event, Progress)]
    assert (told[-1].step, told[-1].steps, told[-1].epoch) == (started.steps, started.steps, 10)
    assert [event.seconds for event in told] == sorted(event.seconds for event in told)
    titles = [event.title for event in events if isinstance(event, Phase) and event.name == "training"]
    assert titles == ["Training network 1 of 2", "Training network 2 of 2"]


@pytest.mark.parametrize("bagging", [False, True])
def test_a_pause_in_the_second_member_changes_nothing(flower_spec: TrainSpec, tmp_path: Path, bagging: bool) -> None:
    spec = with_recipe(flower_spec, ensemble=3, bagging=bagging)
    whole = list(train(spec, tmp_path / "whole"))
    first = list(train(spec, tmp_path / "parts", after(70)))
    assert isinstance(first[-1], Stopped)
    assert first[-1].step == 70
    rest = list(train(spec, tmp_path / "parts"))
    started = next(event for event in rest if isinstance(event, Started))
    assert started.resumed_from == 70
    assert {**curve(first), **curve(rest)} == curve(whole)
    row: dict[str, object] = {"size": 0.6}
    assert answers(tmp_path / "parts", row) == pytest.approx(answers(tmp_path / "whole", row), rel=1e-5)


def test_a_bag_draws_as_many_examples_as_there_are_with_repeats() -> None:
    order = torch.randperm(1000, generator=torch.Generator().manual_seed(1))
    epoch = list(order.split(64))
    drawn = Bag(3).redraw(epoch)
    assert [len(batch) for batch in drawn] == [len(batch) for batch in epoch]
    assert torch.cat(drawn).sort().values.tolist() == Bag(3).rows(1000).tolist()
    assert 0.60 < len(torch.cat(drawn).unique()) / 1000 < 0.66  # 1 - 1/e
    assert Bag(4).rows(1000).tolist() != Bag(3).rows(1000).tolist()


def test_bagged_trees_are_one_model_too(flower_spec: TrainSpec, tmp_path: Path) -> None:
    recipe = Recipe(epochs=20, lr=0.1, ensemble=3, bagging=True)
    spec = flower_spec.model_copy(update={"architecture": "boosted-trees", "settings": {}, "recipe": recipe})
    events = list(train(spec, tmp_path))
    assert isinstance(events[-1], Finished)
    members = sorted(path.parent.name for path in (tmp_path / "model").glob("member-*/lightgbm.txt"))
    assert members == ["member-0", "member-1", "member-2"]
    texts = {(tmp_path / "model" / name / "lightgbm.txt").read_text() for name in members}
    assert len(texts) == 3
    assert answers(tmp_path, {"size": 3.0, "weight": 9.0})["rose"] > 0.8


@pytest.mark.parametrize(
    ("task", "architecture"),
    [
        ("tabular-regression", "mlp"),
        ("text-classification", "text-bag"),
        ("token-classification", "text-recurrent"),
        ("image-classification", "cnn"),
        ("audio-classification", "audio-cnn"),
    ],
)
def test_whatever_has_a_mean_can_be_an_ensemble(
    task: str, architecture: str, make_data: Callable[..., Path], tmp_path: Path
) -> None:
    tiny = DATA[task](tmp_path)
    spec = TrainSpec(
        task=task,
        data=str(make_data(tiny.frame)),
        roles=tiny.roles,
        architecture=architecture,
        recipe=Recipe(epochs=1, batch_size=16, evaluations=1, ensemble=2, bagging=True),
    )
    events = list(train(spec, tmp_path / "run"))
    assert isinstance(events[-1], Finished)
    predictor = load_predictor(tmp_path / "run" / "model", choose_device(spec.recipe))
    assert predictor.answer([tiny.question], {})[0]


def test_what_has_no_mean_is_refused_in_words(make_data: Callable[..., Path], tmp_path: Path) -> None:
    tiny = DATA["language-modeling"](tmp_path)
    with pytest.raises(ValueError, match="Set the ensemble to 1"):
        TrainSpec(
            task="language-modeling",
            data=str(make_data(tiny.frame)),
            roles=tiny.roles,
            architecture="gpt",
            recipe=Recipe(ensemble=2),
        )


def test_a_mean_of_probabilities_is_that_worked_out_by_hand() -> None:
    sure, unsure = torch.tensor([[2.0, 0.0]]), torch.tensor([[0.0, 0.0]])
    first = 1 / (1 + np.exp(-2.0))
    classes = mean_of_all(torch.stack([sure, unsure]), "classes").softmax(-1)
    assert classes[0].tolist() == pytest.approx([(first + 0.5) / 2, (1 - first + 0.5) / 2])
    labels = mean_of_all(torch.stack([sure, unsure]), "labels").sigmoid()
    assert labels[0].tolist() == pytest.approx([(first + 0.5) / 2, 0.5])
    assert mean_of_all(torch.stack([sure, unsure]), "values")[0].tolist() == [1.0, 0.0]


def test_a_run_goes_on_from_an_ensemble(flower_spec: TrainSpec, tmp_path: Path) -> None:
    list(train(with_recipe(flower_spec, ensemble=2), tmp_path / "first"))
    fresh = curve(list(train(flower_spec, tmp_path / "fresh")))
    start = {"start_from": str(tmp_path / "first" / "model")}
    again = curve(list(train(flower_spec.model_copy(update=start), tmp_path / "again")))
    assert again[1] < fresh[1]
