"""The starter experiments: each explains itself, and the short ones are run to see whether they hold their promise."""

from __future__ import annotations

from pathlib import Path

import pytest

from training.architectures import ARCHITECTURES
from training.data.importing import import_dataset, read_description
from training.data.roles import roles_for
from training.data.starters import STARTERS, starter
from training.events import Surface
from training.experiments import EXPERIMENTS, Experiment
from training.facts import facts_of
from training.loop import train
from training.report import Report
from training.spec import Split, TrainSpec
from training.tasks import TASKS

SHORT = ["least-squares", "truth-table", "xor-line", "xor-network", "two-three-one"]


def experiment_spec(experiment: type[Experiment], data: Path) -> TrainSpec:
    """What the website queues for it."""
    description = read_description(data)
    roles = dict(experiment.roles) or roles_for(description, experiment.task)
    facts = facts_of(description, task=experiment.task, roles=roles, split=Split())
    network, recipe = ARCHITECTURES[experiment.architecture].preset(experiment.preset, experiment.task, facts)
    return TrainSpec(
        task=experiment.task,
        data=str(data),
        roles=roles,
        architecture=experiment.architecture,
        settings=network.model_dump(mode="json") | dict(experiment.settings),
        recipe=type(recipe).model_validate(recipe.model_dump() | dict(experiment.recipe)),
    )


@pytest.mark.parametrize("experiment", EXPERIMENTS.values(), ids=lambda one: one.key)
def test_every_experiment_names_what_exists(experiment: type[Experiment]) -> None:
    assert experiment.about().endswith(".")
    assert experiment.data in {entry.key for entry in STARTERS}
    assert experiment.task in ARCHITECTURES[experiment.architecture].tasks
    assert TASKS[experiment.task].metric(experiment.expected.metric)
    ARCHITECTURES[experiment.architecture].model_validate(experiment.settings)


@pytest.mark.parametrize("key", SHORT)
def test_a_short_experiment_comes_out_as_promised(key: str, tmp_path: Path) -> None:
    experiment = EXPERIMENTS[key]
    list(import_dataset([starter(experiment.data).write(tmp_path)], tmp_path / "data"))
    list(train(experiment_spec(experiment, tmp_path / "data"), tmp_path / "run"))
    report = Report.model_validate_json((tmp_path / "run" / "report.json").read_bytes())
    assert experiment.expected.holds(report.metrics[experiment.expected.metric].value)


def test_least_squares_finds_the_line_itself(tmp_path: Path) -> None:
    list(import_dataset([starter("four-points").write(tmp_path)], tmp_path / "data"))
    list(train(experiment_spec(EXPERIMENTS["least-squares"], tmp_path / "data"), tmp_path / "run"))
    facts = Report.model_validate_json((tmp_path / "run" / "report.json").read_bytes()).facts
    assert facts["Weight of x"] == pytest.approx(2)
    assert facts["Constant"] == pytest.approx(0, abs=1e-9)


def test_a_model_of_two_columns_shows_how_it_divides_the_plane(tmp_path: Path) -> None:
    list(import_dataset([starter("logical-xor").write(tmp_path)], tmp_path / "data"))
    events = list(train(experiment_spec(EXPERIMENTS["xor-network"], tmp_path / "data"), tmp_path / "run"))
    last = [event for event in events if isinstance(event, Surface)][-1]
    assert last.columns == ["a", "b"]
    assert last.classes == ["no", "yes"]
    assert sorted(last.points) == [(0.0, 0.0, 0), (0.0, 1.0, 1), (1.0, 0.0, 1), (1.0, 1.0, 0)]
    for x, y, kind in last.points:
        row, column = _nearest(last.y, y), _nearest(last.x, x)
        assert round(last.chances[row][column]) == kind


def _nearest(places: list[float], value: float) -> int:
    return min(range(len(places)), key=lambda at: abs(places[at] - value))
