"""An engine in its own process: the warm parent, stop by signal, a parent that dies, and words for every failure."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import orjson
import pytest

from training.spec import TrainSpec


def write_run(spec: TrainSpec, folder: Path) -> Path:
    folder.mkdir()
    (folder / "spec.json").write_text(spec.model_dump_json())
    return folder


def long(spec: TrainSpec) -> TrainSpec:
    return spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"epochs": 9_000.0, "evaluations": 2})})


def events(folder: Path) -> list[dict[str, object]]:
    path = folder / "events.jsonl"
    return [orjson.loads(line) for line in path.read_bytes().splitlines()] if path.exists() else []


def wait_for(folder: Path, kind: str, seconds: float = 20) -> dict[str, object]:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        for event in events(folder):
            if event["type"] == kind:
                return event
        time.sleep(0.02)
    raise AssertionError(f"no {kind} within {seconds} s; told: {[event['type'] for event in events(folder)][-5:]}")


class Warm:
    """The warm parent as a worker holds it."""

    def __init__(self) -> None:
        command = [sys.executable, "-m", "training", "warm"]
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert "ready" in self.read()

    def read(self) -> dict[str, object]:
        assert self.process.stdout
        answer: dict[str, object] = orjson.loads(self.process.stdout.readline())
        return answer

    def start(self, folder: Path) -> int:
        assert self.process.stdin
        self.process.stdin.write(orjson.dumps({"id": 1, "folder": str(folder), "env": {}}) + b"\n")
        self.process.stdin.flush()
        return int(self.read()["pid"])  # type: ignore[call-overload, no-any-return]


@pytest.fixture
def warm() -> Iterator[Warm]:
    parent = Warm()
    yield parent
    assert parent.process.stdin
    parent.process.stdin.close()
    parent.process.wait(10)


def gone(pid: int, seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except FileNotFoundError:
            return True
        if state == "Z":
            return True
        time.sleep(0.05)
    return False


def test_a_warm_parent_forks_engines_that_finish(warm: Warm, flower_spec: TrainSpec, tmp_path: Path) -> None:
    folder = write_run(flower_spec, tmp_path / "run")
    warm.start(folder)
    assert warm.read() == {"id": 1, "exit": 0}
    assert events(folder)[-1]["type"] == "finished"


def test_sigterm_saves_a_checkpoint_and_the_run_goes_on_from_it(
    warm: Warm, flower_spec: TrainSpec, tmp_path: Path
) -> None:
    folder = write_run(long(flower_spec), tmp_path / "run")
    pid = warm.start(folder)
    wait_for(folder, "progress")
    os.kill(pid, signal.SIGTERM)
    assert warm.read() == {"id": 1, "exit": 3}
    stopped = events(folder)[-1]
    assert stopped["type"] == "stopped"
    pid = warm.start(folder)
    deadline = time.monotonic() + 20
    while len([event for event in events(folder) if event["type"] == "started"]) < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert [event for event in events(folder) if event["type"] == "started"][-1]["resumed_from"] == stopped["step"]
    os.kill(pid, signal.SIGKILL)
    assert warm.read() == {"id": 1, "exit": -9}


def test_an_engine_ends_itself_when_its_parent_is_killed(flower_spec: TrainSpec, tmp_path: Path) -> None:
    parent = Warm()
    folder = write_run(long(flower_spec), tmp_path / "run")
    pid = parent.start(folder)
    wait_for(folder, "progress")
    parent.process.kill()
    parent.process.wait()
    assert gone(pid)
    assert events(folder)[-1]["type"] == "stopped"


def test_the_command_line_trains_without_django(flower_spec: TrainSpec, tmp_path: Path) -> None:
    path = tmp_path / "spec.json"
    path.write_text(flower_spec.model_dump_json())
    blocked = "import sys; sys.modules['django'] = None; sys.argv = ['training', 'fit', *sys.argv[1:]]; "
    code = blocked + "import runpy; runpy.run_module('training', run_name='__main__', alter_sys=True)"
    command = [sys.executable, "-c", code, str(path), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "accuracy" in done.stdout
    question = tmp_path / "question.jsonl"
    question.write_text('{"size": 2.5, "weight": 8, "colour": "red"}\n')
    command = [sys.executable, "-m", "training", "predict", str(tmp_path / "out"), str(question)]
    answer = orjson.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert set(answer["probabilities"]) == {"rose", "tulip"}


def test_the_command_line_leads_from_a_file_to_a_spec(tmp_path: Path) -> None:
    table = tmp_path / "flowers.csv"
    table.write_text("\n".join(["size,kind", *(f"{at},{'rose' if at % 2 else 'tulip'}" for at in range(40))]))
    assert run_command(["training.data", str(table), str(tmp_path / "data")]).returncode == 0
    asked = ["training", "propose", str(tmp_path / "data"), "--role", "target=kind", "--architecture", "linear"]
    spec = TrainSpec.model_validate_json(run_command(asked).stdout)
    assert (spec.task, spec.architecture) == ("tabular-classification", "linear")
    assert spec.roles == {"target": ["kind"], "features": ["size"]}
    assert spec.data == str(tmp_path / "data")


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        (["nowhere"], "Import a file into a folder first"),
        (["data", "--role", "target"], "Write ROLE=COLUMN"),
    ],
)
def test_a_spec_that_cannot_be_proposed_ends_in_a_sentence(tmp_path: Path, asked: list[str], words: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "dataset.json").write_text("{}")
    done = run_command(["training", "propose", str(tmp_path / asked[0]), *asked[1:]])
    assert done.returncode == 1
    assert words in done.stderr
    assert "Traceback" not in done.stderr


def run_command(words: list[str]) -> subprocess.CompletedProcess[str]:
    """A command of the engine, as a person types it after `python -m`."""
    return subprocess.run([sys.executable, "-m", *words], capture_output=True, text=True, check=False)


def test_a_broken_spec_ends_in_a_sentence(tmp_path: Path, flower_spec: TrainSpec) -> None:
    path = tmp_path / "spec.json"
    path.write_text(flower_spec.model_dump_json().replace('"mlp"', '"oracle"'))
    command = [sys.executable, "-m", "training", "fit", str(path), str(tmp_path / "out")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "no architecture called “oracle”" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_full_disk_ends_in_a_sentence(flower_spec: TrainSpec, tmp_path: Path) -> None:
    folder = write_run(flower_spec, tmp_path / "run")
    (folder / "model").mkdir()
    code = (
        "import resource, signal, sys; from pathlib import Path; import training.loop; "
        "import errno, training.model_folder as m; "
        "m.save_file = lambda *a: (_ for _ in ()).throw(OSError(errno.ENOSPC, 'no space')); "
        "from training.engine import run_engine; sys.exit(run_engine(Path(sys.argv[1])))"
    )
    done = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert events(folder)[-1]["code"] == "disk_full"
