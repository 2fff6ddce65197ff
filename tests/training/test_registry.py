"""Whatever lies in a package is registered, whoever asks first."""

import sys
from concurrent.futures import ThreadPoolExecutor

import pytest

from training.errors import TrainingError


@pytest.fixture
def stones(tmp_path, monkeypatch):
    """A registry whose package takes a moment to import."""
    package = tmp_path / "stones"
    package.mkdir()
    head = "from training.registry import Registry\nSTONES = Registry('stone', __name__)\n"
    (package / "__init__.py").write_text(head)
    for name in ("basalt", "chert", "slate"):
        lines = "import time\nfrom stones import STONES\ntime.sleep(0.05)\n@STONES.register('{}')\nclass Stone: pass\n"
        (package / f"{name}.py").write_text(lines.format(name))
    monkeypatch.syspath_prepend(tmp_path)
    yield __import__("stones").STONES
    for name in [name for name in sys.modules if name.startswith("stones")]:
        del sys.modules[name]


def test_threads_that_ask_at_the_same_time_all_see_everything(stones):
    with ThreadPoolExecutor(4) as threads:
        seen = list(threads.map(lambda _: list(stones), range(4)))
    assert seen == [["basalt", "chert", "slate"]] * 4


def test_a_key_is_registered_once(stones):
    assert "chert" in stones
    with pytest.raises(ValueError, match="registered twice"):
        stones.register("chert")(type("Other", (), {}))


def test_an_unknown_key_names_what_there_is(stones):
    with pytest.raises(TrainingError, match=r"no stone called “opal”\. Choose one of: basalt, chert, slate"):
        stones["opal"]
