"""What the default settings reach: `python benchmarks/results.py [DATA[/ARCHITECTURE] ...]` writes docs/results.md.

Every architecture that can learn a data set's task is trained with the balanced preset, nothing tuned, each in a fresh
engine process, on the files of TOUCHSTONE_SHARED_DATA (default: ../shared/data) as a person would upload them. Several
split seeds, or one where the data brings its own test part. The strongest simple rule of the same run and the same
split stands beside it: counting words for texts, boosted trees and a linear model for tables, a linear model for
pictures and sounds. Time is of the whole run, from reading the data to the report.
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
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from training.architectures import ARCHITECTURES, architectures_for
from training.data.importing import import_dataset, read_description
from training.data.roles import roles_for
from training.data.schema import Description
from training.facts import facts_of
from training.recipes import Preset
from training.spec import Split, TrainSpec
from training.tasks import TASKS

DATA = Path(os.environ.get("TOUCHSTONE_SHARED_DATA", ROOT.parent / "shared" / "data"))
KEPT = ROOT / "docs" / "results.json"


@dataclass(frozen=True)
class Data:
    """A data set with what its task is judged by."""

    key: str
    title: str
    files: tuple[str, ...]
    task: str
    metric: str
    known: str
    """What the literature or a plain baseline says about these files."""
    goals: Mapping[str, float]
    """What an architecture must reach."""
    seeds: int = 1
    higher: bool = True


TABLES, TEXTS, PICTURES = "tabular/", "text-classification/", "image-classification/"
CIFAR = f"{PICTURES}cifar10_12k_train_test.zip"
DATA_SETS = (
    Data(
        "penguins",
        "Penguins, species",
        (f"{TABLES}penguins.csv",),
        "tabular-classification",
        "accuracy",
        "0.986 measured with scikit-learn",
        {"mlp": 0.97},
        seeds=3,
    ),
    Data(
        "titanic",
        "Titanic, survived",
        (f"{TABLES}titanic.csv",),
        "tabular-classification",
        "accuracy",
        "0.821 measured with scikit-learn, 0.80 to 0.84 published",
        {"mlp": 0.80},
        seeds=5,
    ),
    Data(
        "adult",
        "Adult, income",
        (f"{TABLES}adult_income_train.csv", f"{TABLES}adult_income_test.csv"),
        "tabular-classification",
        "auc",
        "0.9272 HistGradientBoosting, 0.9276 LightGBM at its defaults",
        {"boosted-trees": 0.927},
    ),
    Data(
        "california",
        "California housing, value",
        (f"{TABLES}california_housing.csv",),
        "tabular-regression",
        "r2",
        "0.829 measured with scikit-learn",
        {"mlp": 0.78},
        seeds=3,
    ),
    Data(
        "sms",
        "SMS spam",
        (f"{TEXTS}sms_spam.csv",),
        "text-classification",
        "accuracy",
        "0.983 measured with TF-IDF, 0.98 to 0.99 published",
        {"text-transformer": 0.98},
    ),
    Data(
        "ag-news",
        "AG News, 7,600 of the test rows",
        (f"{TEXTS}ag_news_train.csv", f"{TEXTS}ag_news_test.csv"),
        "text-classification",
        "accuracy",
        "0.875 TF-IDF, 0.888 words and characters with an SVM",
        {},
    ),
    Data(
        "hotel",
        "Chinese hotel reviews",
        (f"{TEXTS}zh_hotel_reviews.csv",),
        "text-classification",
        "accuracy",
        "0.891 TF-IDF of characters",
        {},
    ),
    Data(
        "cifar10-12k",
        "CIFAR-10, 12,000 pictures",
        (CIFAR,),
        "image-classification",
        "accuracy",
        "0.63 to 0.64 plain CNN, 0.829 to 0.868 the recipe of the speed records",
        {"speednet": 0.82, "cnn": 0.63},
    ),
    Data(
        "spoken-digits",
        "Spoken digits, official split",
        ("audio/spoken_digits_wav_and_csv.zip",),
        "audio-classification",
        "accuracy",
        "0.99 log-mel with an SVM",
        {"audio-cnn": 0.99},
    ),
    Data(
        "wnut17",
        "WNUT 2017, named entities",
        tuple(f"token-classification/wnut17_{part}.conll" for part in ("train", "dev", "test")),
        "token-classification",
        "f1",
        "0.419 the winner of 2017",
        {},
    ),
    Data(
        "squad",
        "SQuAD 1.1, 5,568 questions",
        tuple(f"question-answering/squad_v1.1_{part}.json" for part in ("train", "dev")),
        "question-answering",
        "f1",
        "above 0.30 shows learning",
        {"pretrained-encoder": 0.30},
    ),
    Data(
        "multi30k",
        "Multi30k, English to German",
        tuple(f"seq2seq/multi30k_en_de_{part}.csv" for part in ("train", "val", "test2016")),
        "translation",
        "bleu",
        "37 to 40 a Transformer after a long run, 15 to 25 a small one",
        {"seq2seq-transformer": 15.0},
    ),
    Data(
        "shakespeare",
        "Tiny Shakespeare, characters",
        ("text-generation/tinyshakespeare.txt",),
        "language-modeling",
        "nats",
        "1.88 nanoGPT in three minutes on a CPU",
        {"gpt": 1.70},
        higher=False,
    ),
)
LEFT_OUT = {"shakespeare": {"pretrained-causal"}, "cifar10-12k": {"pretrained-vision"}}
"""Architectures whose pretrained model reads other data, or would take hours here."""


@dataclass(frozen=True)
class Row:
    """One line of the table."""

    data: Data
    architecture: str

    @property
    def name(self) -> str:
        return f"{self.data.key}/{self.architecture}"


def main(names: list[str]) -> None:
    """Train the rows whose names begin so, all without names, and write the table anew."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    for row in rows():
        if names and not any(row.name == name or row.name.startswith(f"{name}/") for name in names):
            continue
        kept[row.name] = measure(row)
        KEPT.write_text(json.dumps(kept, indent=1))
        print(row.name, kept[row.name], flush=True)
        write_page(kept)


def rows() -> list[Row]:
    """Every architecture on every data set whose task it can learn, simplest first."""
    return [
        Row(data, kind.key)
        for data in DATA_SETS
        for kind in architectures_for(data.task)
        if kind.key not in LEFT_OUT.get(data.key, ())
    ]


def measure(row: Row, preset: Preset = "balanced") -> dict[str, Any]:
    """Import once, train per seed; means with the smallest and largest value."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        for _phase in import_dataset([DATA / file for file in row.data.files], data):
            pass
        runs = [train_once(row, data, seed, Path(folder, f"run-{seed}"), preset) for seed in range(row.data.seeds)]
    values = [run["value"] for run in runs]
    return {
        "value": statistics.mean(values),
        "low": min(values),
        "high": max(values),
        "n": len(runs),
        "interval": [runs[0]["low"], runs[0]["high"]],
        "baseline": statistics.mean(run["baseline"] for run in runs),
        "baseline_title": runs[0]["baseline_title"],
        "wall": statistics.mean(run["wall"] for run in runs),
        "cpu": statistics.mean(run["cpu"] for run in runs),
        "device": runs[0]["device"],
        "load": round(os.getloadavg()[0], 1),
    }


def train_once(row: Row, data: Path, seed: int, out: Path, preset: Preset) -> dict[str, Any]:
    """One engine process; wall and CPU seconds of everything it did."""
    description = read_description(data)
    spec = preset_spec(row, description, data, seed, preset)
    out.mkdir()
    (out / "spec.json").write_text(spec.model_dump_json())
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    command = [sys.executable, "-m", "training", "fit", str(out / "spec.json"), str(out)]
    subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    report = json.loads((out / "report.json").read_text())
    pick = max if row.data.higher else min
    baseline = pick(report["baselines"], key=lambda rival: rival["metrics"][row.data.metric]["value"])
    return {
        **report["metrics"][row.data.metric],
        "baseline": baseline["metrics"][row.data.metric]["value"],
        "baseline_title": baseline["title"],
        "wall": wall,
        "cpu": after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime,
        "device": report["device"],
    }


def preset_spec(row: Row, description: Description, data: Path, seed: int, preset: Preset) -> TrainSpec:
    """What the page New run fills in."""
    split = Split(seed=seed)
    roles = roles_for(description, row.data.task)
    facts = facts_of(description, task=row.data.task, roles=roles, split=split)
    settings, recipe = ARCHITECTURES[row.architecture].preset(preset, row.data.task, facts)
    return TrainSpec(
        task=row.data.task,
        data=str(data),
        roles=roles,
        architecture=row.architecture,
        settings=settings.model_dump(mode="json"),
        recipe=recipe.model_copy(update={"seed": seed}),
        split=split,
    )


def write_page(kept: dict[str, Any]) -> None:
    """docs/results.md from what was measured; a row that was never measured is not in it."""
    lines = [
        "# What the default settings reach",
        "",
        "Measured by `benchmarks/results.py`: files as a person would upload them, the proposed columns, the preset",
        "*balanced*, nothing tuned. Where n > 1 the value is the mean over n splits, with the smallest and the",
        "largest; otherwise the 95 % bootstrap interval of the one run. Beside it stands the best simple rule of the",
        "same run, on the same split. The architecture that *Simple* proposes is in bold.",
        "",
        f"Machine: {machine()}.",
        "*Load* is the machine's when the row ended: above 2 the cores were shared, and CPU seconds say more.",
    ]
    for data in DATA_SETS:
        found = [(row, kept[row.name]) for row in rows() if row.data is data and row.name in kept]
        if found:
            lines += ["", f"## {data.title}", "", f"Known of these files: {data.known}.", ""]
            lines += [f"| architecture | {data.metric} | n | goal | best simple rule | wall s | CPU s | load |"]
            lines += ["|---|---|---|---|---|---|---|---|", *(line(row, measured) for row, measured in found)]
    (ROOT / "docs" / "results.md").write_text("\n".join(lines) + "\n")


def line(row: Row, found: dict[str, Any]) -> str:
    """One row of the table as Markdown."""
    low, high = (found["low"], found["high"]) if found["n"] > 1 else found["interval"]
    title = ARCHITECTURES[row.architecture].title
    title = f"**{title}**" if TASKS[row.data.task].recommended == row.architecture else title
    return (
        f"| {title} | {found['value']:.3f} ({low:.3f} – {high:.3f}) | {found['n']} | {goal(row, found['value'])} "
        f"| {found['baseline']:.3f} ({found['baseline_title']}) | {found['wall']:.0f} | {found['cpu']:.0f} "
        f"| {found['load']} |"
    )


def goal(row: Row, value: float) -> str:
    """The goal, and whether it was missed."""
    wanted = row.data.goals.get(row.architecture)
    if wanted is None:
        return ""
    met = value >= wanted if row.data.higher else value <= wanted
    return f"{'≥' if row.data.higher else '≤'} {wanted:g}{'' if met else ' **missed**'}"


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
