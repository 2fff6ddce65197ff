"""What curves, checkpoints and stop requests cost: the loop with everything on against the same steps bare.

`python benchmarks/overhead.py` alternates both in one process, n pairs each, and prints the median of the pairwise
ratios of processor time per step, and the difference in microseconds. Goal: at most 1.02, or at most 100 µs for short
steps.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import statistics
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import numpy as np
import polars as pl
import torch

from training.checkpoint import Position
from training.curves import Clock, Curves
from training.data.schema import ID, PART
from training.device import choose_device
from training.examples import read_examples
from training.loop import batches, take_steps
from training.objectives import OBJECTIVES
from training.order import count_steps
from training.recipes import Recipe
from training.spec import TrainSpec
from training.state import Training
from training.techniques.optimizers import build_optimizers

PAIRS = 7


def main() -> None:
    """Short steps (a few hundred microseconds) and long ones (some tens of milliseconds)."""
    for title, hidden, batch, steps in (("short step", "32", 32, 4000), ("long step", "1024-1024-1024", 512, 60)):
        with tempfile.TemporaryDirectory() as folder:
            spec = make_spec(Path(folder), hidden, batch, steps)
            pairs = [(run(spec, Path(folder), bare=True), run(spec, Path(folder), bare=False)) for _ in range(PAIRS)]
        ratio = statistics.median(full / bare for bare, full in pairs)
        extra = statistics.median((full - bare) / steps * 1e6 for bare, full in pairs)
        each = statistics.median(bare / steps * 1e6 for bare, _full in pairs)
        print(f"{title}: {each:,.0f} µs bare, ratio {ratio:.3f}, {extra:+.0f} µs per step, n = {PAIRS}")


def make_spec(folder: Path, hidden: str, batch: int, steps: int) -> TrainSpec:
    """A made table of 64 numbers."""
    random = np.random.default_rng(0)
    rows = 4096
    columns = {f"x{number}": random.normal(size=rows) for number in range(64)}
    frame = pl.DataFrame({**columns, "y": random.choice(["a", "b"], rows), ID: np.arange(rows)})
    frame.with_columns(pl.lit(None, dtype=pl.String).alias(PART)).write_parquet(folder / "data.parquet")
    per_epoch = -(-rows * 0.8 // batch)
    return TrainSpec(
        task="tabular-classification",
        data=str(folder),
        roles={"target": ["y"], "features": list(columns)},
        architecture="mlp",
        settings={"hidden_sizes": hidden},
        recipe=Recipe(epochs=steps / per_epoch, batch_size=batch, evaluations=1, lr=1e-3),
    )


def run(spec: TrainSpec, folder: Path, *, bare: bool) -> float:
    """Processor seconds of all steps, evaluation left out of both."""
    recipe = spec.recipe
    device = choose_device(recipe)
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), device, folder)
    objective.evaluate = lambda model, part: {"loss": 0.0}  # type: ignore[method-assign]
    torch.manual_seed(0)
    model = spec.network().build(objective.shapes)
    optimizers = build_optimizers(model, recipe)
    steps = count_steps(objective, recipe)
    clock = Clock()
    training = Training(recipe, device, objective, model, optimizers, Position(), steps, clock, Curves(clock, 0, steps))
    started = time.process_time()
    if bare:
        model.train()
        for group in batches(training):
            training.position.step += 1
            loss = objective.loss(model, group[0], 0)
            loss.backward()
            optimizers.step()
    else:
        with (folder / "events.jsonl").open("ab", buffering=0) as lines:
            for event in take_steps(training, folder, lambda: False):
                lines.write(event.model_dump_json().encode() + b"\n")
    return time.process_time() - started


if __name__ == "__main__":
    main()
