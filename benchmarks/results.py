"""What the default settings reach: `python benchmarks/results.py DATA[/ROW] ...` or `--all` writes docs/results.md.

Every architecture that can learn a data set's task is trained with the balanced preset (and with another where a goal
names it), nothing tuned, each in a process of its own, on the files of TOUCHSTONE_SHARED_DATA (default:
../shared/data) as a person would upload them. Several split seeds, or one where the data brings its own test part.
Peers from PyPI learn from the same split in processes of their own. Without arguments the page is only written anew.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from forked import in_a_fork
from peers import ask
from public_data import DATA_SETS, Data
from results_page import write_page

from training.architectures import architectures_for
from training.data.importing import import_dataset, read_description
from training.events import Phase
from training.loop import train
from training.proposing import propose
from training.recipes import PRESETS, Preset
from training.spec import TrainSpec
from training.warm import preload

KEPT = ROOT / "docs" / "results.json"
PEER = "peer:"
PATIENCE = 300.0
"""Processor seconds after which a row gets no further seed."""


@dataclass(frozen=True)
class Row:
    """One line of the table: an architecture with a preset, or a peer."""

    data: Data
    architecture: str
    """Empty for a peer."""
    preset: Preset = "balanced"
    peer: str = ""

    @property
    def name(self) -> str:
        """DATA/ARCHITECTURE, DATA/ARCHITECTURE@PRESET or DATA/peer:NAME."""
        if self.peer:
            return f"{self.data.key}/{PEER}{self.peer}"
        return f"{self.data.key}/{self.architecture}" + ("" if self.preset == "balanced" else f"@{self.preset}")


def main(asked: argparse.Namespace) -> None:
    """Measure the rows that are asked for, and write the table anew after each."""
    write_page(read_kept())
    preload()
    for row in rows():
        if not (asked.all or asked.missing) and not {row.name, row.data.key} & set(asked.names):
            continue
        if asked.missing and row.name in read_kept():
            continue
        measured = measure(row)
        kept = read_kept() | {row.name: measured}  # read again: another row may have been measured meanwhile
        KEPT.write_text(json.dumps(kept, indent=1))
        print(row.name, json.dumps(measured), flush=True)
        write_page(kept)


def read_kept() -> dict[str, Any]:
    """What was measured so far, by the rows' names."""
    kept: dict[str, Any] = json.loads(KEPT.read_text()) if KEPT.exists() else {}
    return kept


def rows() -> list[Row]:
    """Peers and architectures of every data set, simplest first."""
    return [row for data in DATA_SETS for row in rows_of(data)]


def rows_of(data: Data) -> list[Row]:
    """The lines of one data set's table."""
    asked = {name for name in data.goals if "@" in name}
    ours = [
        Row(data, kind.key, preset)
        for kind in architectures_for(data.task)
        for preset in PRESETS
        if kind.key not in data.left_out and (preset == "balanced" or f"{kind.key}@{preset}" in asked)
    ]
    return [Row(data, "", peer=name) for name in data.peers] + ours


def measure(row: Row) -> dict[str, Any]:
    """Import once, learn per seed while that is cheap; means with the smallest and largest value."""
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "data")
        in_a_fork(lambda: bring(row.data, data))
        for seed in range(row.data.seeds):
            if sum(run["cpu_whole"] for run in runs) < PATIENCE:
                runs.append(learn_once(row, data, seed, Path(folder, f"run-{seed}")))
    values = [run["value"] for run in runs]
    means = {name: statistics.mean(run[name] for run in runs) for name in ("wall", "cpu", "cpu_whole", "memory")}
    return {
        "value": statistics.mean(values),
        "low": min(values),
        "high": max(values),
        "n": len(runs),
        **means,
        "load": round(os.getloadavg()[0], 1),
        **{name: runs[0][name] for name in ("interval", "baseline", "baseline_title", "device") if name in runs[0]},
    }


def bring(known: Data, data: Path) -> None:
    """Import the files."""
    for _phase in import_dataset(known.paths(), data):
        pass


def learn_once(row: Row, data: Path, seed: int, out: Path) -> dict[str, Any]:
    """One process; its score, seconds of the wall and the processor, and the megabytes it held at most."""
    out.mkdir()
    spec = preset_spec(row, data, seed)
    cost = in_a_fork(lambda: ask(row.peer, spec, out, row.data.metric) if row.peer else fit(spec, out))
    costs = {"wall": cost.wall, "cpu": float((out / "cpu").read_text()), "cpu_whole": cost.cpu, "memory": cost.memory}
    report = json.loads((out / "report.json").read_text())
    return costs | (report if row.peer else found(row, report))


def fit(spec: TrainSpec, out: Path) -> None:
    """Train, and note what the clock of the process says when the network has learnt."""
    before = time.process_time()
    for event in train(spec, out):
        if isinstance(event, Phase) and event.name == "baseline":
            (out / "cpu").write_text(str(time.process_time() - before))


def found(row: Row, report: dict[str, Any]) -> dict[str, Any]:
    """The measure with its interval, and the strongest of the report's own simple rules."""
    estimate = report["metrics"][row.data.metric]
    rivals = {one["title"]: one["metrics"][row.data.metric]["value"] for one in report["baselines"]}
    best = (max if row.data.higher else min)(rivals, key=lambda title: rivals[title])
    return {
        "value": estimate["value"],
        "interval": [estimate["low"], estimate["high"]],
        "baseline": rivals[best],
        "baseline_title": best,
        "device": report["device"],
    }


def preset_spec(row: Row, data: Path, seed: int) -> TrainSpec:
    """What the page New run fills in; a peer is given the columns and the split of one."""
    return propose(
        read_description(data),
        data=str(data),
        task=row.data.task,
        roles=row.data.roles,
        architecture=row.architecture or architectures_for(row.data.task)[0].key,
        preset=row.preset,
        split={"seed": seed},
        recipe={"seed": seed},
    )


def arguments() -> argparse.Namespace:
    """What the command line asks for."""
    parser = argparse.ArgumentParser(description="Measure what the default settings reach; writes docs/results.md.")
    parser.add_argument("names", nargs="*", metavar="DATA[/ROW]", help="only these; nothing: only write the page")
    parser.add_argument("--all", action="store_true", help="measure everything anew (hours)")
    parser.add_argument("--missing", action="store_true", help="measure what was not measured yet")
    return parser.parse_args()


if __name__ == "__main__":
    main(arguments())
