"""Every registered architecture trains, is judged, answers, and costs what it said, on every task that it claims."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.training.tiny_data import DATA, SOURCES
from training.architectures import ARCHITECTURES, Facts, Shapes
from training.device import choose_device
from training.events import Finished, Started
from training.examples import read_examples
from training.loop import train
from training.objectives import OBJECTIVES
from training.predict import PREDICTORS
from training.report import Report
from training.spec import TrainSpec
from training.tasks import TASKS

PAIRS = [(architecture, task) for architecture in ARCHITECTURES for task in ARCHITECTURES[architecture].tasks]


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], dict[str, str]]:
    """The setting that names a small pretrained folder, for architectures that start from one."""
    made: dict[str, Path] = {}

    def find(architecture: str) -> dict[str, str]:
        if "source" not in ARCHITECTURES[architecture].model_fields:
            return {}
        if architecture not in made:
            made[architecture] = tmp_path_factory.mktemp(architecture)
            SOURCES[architecture](made[architecture])
        return {"source": str(made[architecture])}

    return find


def test_every_task_has_a_small_data_set_here() -> None:
    assert set(DATA) == set(TASKS)


@pytest.mark.parametrize(("architecture", "task"), PAIRS)
def test_every_architecture_learns_every_task_it_claims(
    architecture: str,
    task: str,
    source: Callable[[str], dict[str, str]],
    make_data: Callable[..., Path],
    tmp_path: Path,
) -> None:
    tiny = DATA[task](tmp_path)
    facts = Facts(rows=tiny.frame.height, shapes=Shapes(outputs=2, channels=3, height=16, width=16, length=32))
    settings, recipe = ARCHITECTURES[architecture].preset("quick", task, facts)
    short = {"epochs": 1.0, "batch_size": 8, "accumulate": 1, "evaluations": 1}
    lengths = {"length": 32} if "length" in ARCHITECTURES[architecture].model_fields else {}
    spec = TrainSpec(
        task=task,
        data=str(make_data(tiny.frame)),
        roles=tiny.roles,
        architecture=architecture,
        settings=settings.model_dump(mode="json") | lengths | source(architecture),
        recipe=recipe.model_copy(update=short),
    )
    events = list(train(spec, tmp_path / "run"))

    assert isinstance(events[-1], Finished)
    report = Report.model_validate_json((tmp_path / "run" / "report.json").read_bytes())
    headline = report.metrics[TASKS[task].headline().key]
    assert headline.low <= headline.value <= headline.high
    assert pl.read_parquet(tmp_path / "run" / "predictions.parquet").height > 0

    started = next(event for event in events if isinstance(event, Started))
    objective = OBJECTIVES[task](spec, read_examples(spec), choose_device(recipe), tmp_path / "shapes")
    assert spec.network().cost(objective.shapes).parameters == pytest.approx(started.parameters, rel=0.02)

    predictor = PREDICTORS[task](tmp_path / "run" / "model", choose_device(recipe))
    (answer,) = predictor.answer([tiny.question], {})
    assert answer
