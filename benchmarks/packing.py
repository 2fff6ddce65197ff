"""What sharing rows saves: conversations of one batch packed into few rows against a row for each.

`python benchmarks/packing.py CHATS.json` trains a GPT on the same conversations in three ways, in turn, five rounds:
packed; a row for each, where batches hold those of like length; and a row for each in batches of any length, as loaders
make them that only fill up. It prints the share of real tokens and the real tokens per second of processor time.
"""

from __future__ import annotations

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeAlias

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.data.importing import import_dataset
from training.device import choose_device
from training.examples import read_examples
from training.language.corpus import read_corpus
from training.language.stretches import IGNORED, Conversations
from training.recipes import Recipe
from training.spec import TrainSpec
from training.techniques.optimizers import build_optimizers

ROUNDS = 5
BATCHES = 6
BATCH = 32
Read: TypeAlias = Callable[[nn.Module, Tensor], tuple[Tensor, Tensor]]
"""Scores of the next token and the token that came, of the conversations of a batch."""


def main() -> None:
    """Read the file once, then take turns."""
    with tempfile.TemporaryDirectory() as folder:
        list(import_dataset([Path(sys.argv[1])], Path(folder)))
        spec = make_spec(folder)
        corpus = read_corpus(spec, read_examples(spec), choose_device(spec.recipe).torch)
    chats, words = corpus.parts["train"].stretches, len(corpus.tokenizer)
    assert isinstance(chats, Conversations)
    shapes = Shapes(outputs=words, vocabulary=words, length=corpus.length)
    alike = chats.epoch(torch.Generator().manual_seed(0), BATCH)
    some = torch.randperm(len(chats.lengths), generator=torch.Generator().manual_seed(0))
    mixed = list(some[: BATCHES * BATCH].split(BATCH))

    def packed(model: nn.Module, batch: Tensor) -> tuple[Tensor, Tensor]:
        rows = chats.packed(batch)
        return model(rows.ids, rows.places), rows.targets

    def alone(model: nn.Module, batch: Tensor) -> tuple[Tensor, Tensor]:
        ids, targets = chats.batch(batch)
        return model(ids), targets

    ways = {"packed": (packed, alike), "a row each, of like length": (alone, alike), "a row each": (alone, mixed)}
    found: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    for _ in range(ROUNDS):
        for way, (read, batches) in ways.items():
            found[way].append(train(spec, shapes, read, batches[:BATCHES], chats.lengths))
    for way, rounds in found.items():
        share, speed = (statistics.median(values) for values in zip(*rounds, strict=True))
        print(f"{way}: {share:.1%} real tokens, {speed:,.0f} real tokens per CPU second, n = {ROUNDS}")


def make_spec(folder: str) -> TrainSpec:
    """A small GPT that reads pieces of words."""
    return TrainSpec(
        task="language-modeling",
        data=folder,
        roles={"text": ["messages"]},
        architecture="gpt",
        settings={"vocabulary": "byte-pairs", "vocabulary_size": 4096, "length": 256, "layers": 4, "width": 128},
        recipe=Recipe(batch_size=BATCH),
    )


def train(
    spec: TrainSpec, shapes: Shapes, read: Read, batches: Sequence[Tensor], lengths: Tensor
) -> tuple[float, float]:
    """The share of real tokens, and how many are learnt from in a second of processor time."""
    torch.manual_seed(0)
    model = spec.network().build(shapes)
    optimizers = build_optimizers(model, spec.recipe)
    real = taken = 0
    started = time.process_time()
    for batch in batches:
        scores, targets = read(model, batch)
        F.cross_entropy(scores.flatten(0, 1), targets.flatten(), ignore_index=IGNORED).backward()
        optimizers.step()
        model.zero_grad(set_to_none=True)
        real, taken = real + int(lengths[batch].sum()), taken + targets.numel()
    return real / taken, real / (time.process_time() - started)


if __name__ == "__main__":
    main()
