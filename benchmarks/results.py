"""What the default settings reach: `python benchmarks/results.py [NAME ...]` trains each and writes docs/results.md.

Every row is a fresh engine process on the files of TOUCHSTONE_SHARED_DATA (default: ../shared/data), as a person would
upload them: imported, proposed, the balanced preset, nothing tuned. Accuracy is the mean over split seeds, or one run
where the data brings its own test part. Time is of the whole run, from reading the data to the report.
"""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

from training.architectures import ARCHITECTURES
from training.data.importing import import_dataset, read_description
from training.spec import Split, TrainSpec
from webapp.runs.facts import facts_of

DATA = Path(os.environ.get("TOUCHSTONE_SHARED_DATA", ROOT.parent / "shared" / "data"))
KEPT = ROOT / "docs" / "results.json"


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    name: str
    file: str
    metric: str
    goal: float
    seeds: int = 3
    task: str = ""
    architecture: str = ""
    preset: str = "balanced"
    higher: bool = True


ROWS = [
    Row("Penguins, species", "tabular/penguins.csv", "accuracy", 0.97),
    Row("Titanic, survived", "tabular/titanic.csv", "accuracy", 0.80, seeds=5),
    Row("California housing, value", "tabular/california_housing.csv", "r2", 0.78, task="tabular-regression"),
    Row("SMS spam", "text-classification/sms_spam.csv", "accuracy", 0.98),
    Row("CIFAR-10, 12,000 pictures", "image-classification/cifar10_12k_train_test.zip", "accuracy", 0.82, seeds=1),
    Row("CIFAR-10, plain CNN", "image-classification/cifar10_12k_train_test.zip", "accuracy", 0.63, 1, "", "cnn"),
    Row("Tiny Shakespeare, characters", "text-generation/tinyshakespeare.txt", "nats", 1.70, seeds=1, higher=False),
]


def main(names: list[str]) -> None:
    """Train the rows whose names begin so, all without names, and write the table anew."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for row in ROWS:
        if names and not any(row.name.startswith(name) for name in names):
            continue
        kept[row.name] = measure(row)
        KEPT.write_text(json.dumps(kept, indent=1))
        print(row.name, kept[row.name], flush=True)
        write_page(kept)


def measure(row: Row) -> dict[str, Any]:
    """Import once, train per seed; means with the smallest and largest value."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        for _phase in import_dataset([DATA / row.file], data):
            pass
        runs = [train_once(row, data, seed, Path(folder, f"run-{seed}")) for seed in range(row.seeds)]
    values = [run["value"] for run in runs]
    return {
        "value": statistics.mean(values),
        "low": min(values),
        "high": max(values),
        "n": len(runs),
        "interval": [runs[0]["low"], runs[0]["high"]],
        "baseline": statistics.mean(run["baseline"] for run in runs),
        "baseline_title": runs[0]["baseline_title"],
        "architecture": runs[0]["architecture"],
        "wall": statistics.mean(run["wall"] for run in runs),
        "cpu": statistics.mean(run["cpu"] for run in runs),
        "device": runs[0]["device"],
        "load": round(os.getloadavg()[0], 1),
    }


def train_once(row: Row, data: Path, seed: int, out: Path) -> dict[str, Any]:
    """One engine process; wall and CPU seconds of everything it did."""
    description = read_description(data)
    proposal = next(one for one in description.proposals if one.task == (row.task or description.proposals[0].task))
    spec = balanced(row, description, proposal, data, seed)
    out.mkdir()
    (out / "spec.json").write_text(spec.model_dump_json())
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "training", "fit", str(out / "spec.json"), str(out)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads((out / "report.json").read_text())
    baseline = report["baselines"][0]
    return {
        **report["metrics"][row.metric],
        "baseline": baseline["metrics"][row.metric]["value"],
        "baseline_title": baseline["title"],
        "architecture": ARCHITECTURES[spec.architecture].title,
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "device": report["device"],
    }


def balanced(row: Row, description: Any, proposal: Any, data: Path, seed: int) -> TrainSpec:
    """What the page New run fills in."""
    from training.tasks import TASKS

    key = row.architecture or TASKS[proposal.task].recommended
    split = Split(seed=seed)
    facts = facts_of(description, task=proposal.task, roles=proposal.roles, split=split)
    settings, recipe = ARCHITECTURES[key].preset(row.preset, proposal.task, facts)  # type: ignore[arg-type]
    return TrainSpec(
        task=proposal.task,
        data=str(data),
        roles=proposal.roles,
        architecture=key,
        settings=settings.model_dump(mode="json"),
        recipe=recipe.model_copy(update={"seed": seed}),
        split=split,
    )


def write_page(kept: dict[str, Any]) -> None:
    """docs/results.md from what was measured; a row that was never measured is not in it."""
    lines = [
        "# What the default settings reach",
        "",
        "Measured by `benchmarks/results.py`: each file as a person would upload it, the proposed task and columns,",
        "the recommended architecture with the preset *balanced*, nothing tuned. Where n > 1 the value is the mean",
        "over n splits, with the smallest and the largest; otherwise the 95 % bootstrap interval of the one run.",
        "",
        f"Machine: {machine()}.",
        "*Load* is the machine's when the row ended: above 2 the cores were shared and wall time is not the run's own.",
        "",
        "| data | architecture | measure | value | n | goal | best baseline | wall s | CPU s | load |",
        "|---|---|---|---|---|---|---|---|---|---|",
    ]
    for row in ROWS:
        if found := kept.get(row.name):
            low, high = (found["low"], found["high"]) if found["n"] > 1 else found["interval"]
            value = f"{found['value']:.3f} ({low:.3f} – {high:.3f})"
            met = found["value"] >= row.goal if row.higher else found["value"] <= row.goal
            goal = f"{'≥' if row.higher else '≤'} {row.goal:.2f}{'' if met else ' **missed**'}"
            lines.append(
                f"| {row.name} | {found['architecture']} | {row.metric} | {value} | {found['n']} | {goal} "
                f"| {found['baseline']:.3f} ({found['baseline_title']}) | {found['wall']:.0f} | {found['cpu']:.0f} "
                f"| {found['load']} |"
            )
    (ROOT / "docs" / "results.md").write_text("\n".join(lines) + "\n")


def machine() -> str:
    """Processor, cores and versions."""
    import torch

    try:
        text = Path("/proc/cpuinfo").read_text()
        processor = next(line.split(":")[1].strip() for line in text.splitlines() if line.startswith("model name"))
    except (OSError, StopIteration):
        processor = platform.processor()
    return f"{os.cpu_count()} cores of {processor}, Python {platform.python_version()}, torch {torch.__version__}"


if __name__ == "__main__":
    main(sys.argv[1:])
