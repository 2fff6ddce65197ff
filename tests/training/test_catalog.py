"""Whatever is registered is tested because it is registered."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from training.architectures import ARCHITECTURES, architectures_for
from training.reference import catalog_page
from training.tasks import TASKS


@pytest.mark.parametrize("key", list(TASKS))
def test_every_task_recommends_an_architecture_that_can_learn_it(key: str) -> None:
    for recommended in (TASKS[key].recommended, TASKS[key].recommended_mixed or TASKS[key].recommended):
        assert key in ARCHITECTURES[recommended].tasks


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
