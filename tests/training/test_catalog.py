"""Whatever is registered is tested because it is registered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from training.architectures import ARCHITECTURES, architectures_for
from training.data.importing import import_dataset, read_description
from training.data.roles import roles_for
from training.data.schema import Column, Description
from training.data.starters import starter
from training.facts import recommended
from training.recipes import ABOUT_SOME, Preset, Recipe
from training.reference import catalog_page
from training.tasks import TASKS


@pytest.mark.parametrize("key", list(TASKS))
def test_every_task_recommends_an_architecture_that_can_learn_it(key: str) -> None:
    task = TASKS[key]
    kinds = ("recommended", "recommended_many", "recommended_thorough", "recommended_mixed", "recommended_chat")
    for named in filter(None, (getattr(task, kind) for kind in kinds)):
        assert key in ARCHITECTURES[named].tasks
    assert set(task.heeds) <= set(ABOUT_SOME)


def test_every_setting_about_some_tasks_is_read_by_one() -> None:
    assert {name for task in TASKS.values() for name in task.heeds} == set(ABOUT_SOME) <= set(Recipe.model_fields)


def test_a_pretrained_model_is_proposed_for_conversations_and_a_new_one_for_running_text(tmp_path: Path) -> None:
    for starter_key, proposed in (("plain-words", "pretrained-causal"), ("tiny-shakespeare", "gpt")):
        list(import_dataset([starter(starter_key).write(tmp_path)], tmp_path / starter_key))
        description = read_description(tmp_path / starter_key)
        roles = roles_for(description, "language-modeling")
        assert recommended(description, task="language-modeling", roles=roles) == proposed


def test_trees_are_proposed_for_many_rows_and_a_blend_where_time_allows() -> None:
    number = Column(name="size", type="number", unique=900)
    expected: list[tuple[int, Preset, str]] = [
        (400, "thorough", "mlp"),
        (9_000, "quick", "boosted-trees"),
        (9_000, "thorough", "blend"),
    ]
    for rows, preset, proposed in expected:
        description = Description(kind="table", format="CSV", rows=rows, bytes=0, columns=[number])
        roles = {"target": ["size"], "features": ["size"]}
        assert recommended(description, task="tabular-regression", roles=roles, preset=preset) == proposed


@pytest.mark.parametrize("key", list(ARCHITECTURES))
def test_every_architecture_explains_itself_in_plain_words(key: str) -> None:
    architecture = ARCHITECTURES[key]
    assert architecture.title
    assert architecture.good_for
    assert architecture.paper
    assert (architecture.__doc__ or "").strip().endswith(".")
    for name, field in architecture.model_fields.items():
        assert field.title, name
        assert field.description, name


def test_every_task_has_an_architecture_of_its_own() -> None:
    for key in TASKS:
        assert architectures_for(key)


def test_the_page_of_the_catalog_says_what_is_registered() -> None:
    page = Path(__file__).parent.parent.parent / "docs" / "catalog.md"
    assert page.read_text() == catalog_page(), "Write it anew: python -m training catalog > docs/catalog.md"


def test_the_catalog_side_is_read_without_torch() -> None:
    code = (
        "import sys, training.spec, training.report, training.events, training.data.schema;"
        "from training.architectures import ARCHITECTURES; from training.tasks import TASKS; import training.reference;"
        "[a.model_json_schema() for a in ARCHITECTURES.values()]; list(TASKS);"
        "heavy = {'torch', 'transformers', 'sklearn', 'pandas', 'polars', 'django'} & set(sys.modules);"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
