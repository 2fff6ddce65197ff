"""Learning which text belongs to another, from pairs that do: the others of the batch are the wrong answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import ClassVar

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor, nn
from torch.nn import functional as F

from training.device import Device
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import Examples, Part
from training.measures import Floats
from training.objectives import OBJECTIVES, Guess
from training.report import Report
from training.resampling import Measure, weighted_mean
from training.spec import TrainSpec
from training.texts.text_pairs import SIDES, TextPairs
from training.texts.whole_texts import read_scores

SHARPNESS = 20.0
"""What cosines are multiplied by before they are read as scores: a temperature of 0.05."""
MOST_SOUGHT = 2_000
"""Held-out texts among which the one that belongs is sought: each is compared with each."""


@OBJECTIVES.register("text-matching")
class MatchedTexts:
    """Cross-entropy of the right partner among those of the batch, by the cosine of their notes.

    Henderson et al., "Efficient natural language response suggestion", 2017, arXiv:1705.00652 (multiple negatives
    ranking); the same as InfoNCE: van den Oord et al., "Representation learning with contrastive predictive coding",
    2018, arXiv:1807.03748. A partner that stands in the batch twice is not counted as wrong.
    """

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        self.pairs = TextPairs.read(spec, examples, model_folder)
        self.shapes = self.pairs.shapes
        self.partners = {part: _numbered(self.pairs.texts[part, "second"]) for part in examples.rows}

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.pairs.encoded["train", "first"].epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        first, second = self.pairs.notes(model, indices, self.device.torch)
        return partner_loss(first, second, self.partners["train"][indices].to(first.device))

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        first, second = (torch.from_numpy(notes) for notes in self._notes(model, part))
        partners = self.partners[part][: len(first)]
        batches = torch.arange(len(first)).split(self.spec.recipe.batch_size)
        losses = [partner_loss(first[some], second[some], partners[some]) * len(some) for some in batches]
        ranks = places_of_partners(_cosines(first, second).numpy(), partners.numpy())
        return {"loss": float(torch.stack(losses).sum()) / len(first)} | {
            name: float(values.mean()) for name, values in _hits(ranks).items()
        }

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        first, second = (words[:MOST_SOUGHT] for words in self.pairs.weighted_words())
        ranks = places_of_partners((first @ second.T).toarray(), self.partners["test"][: first.shape[0]].numpy())
        about = "Looks for the text that shares the most words, the rarer the heavier: the cosine of TF-IDF."
        return [Guess("shared-words", "Words in common (TF-IDF)", about, ranks.astype(np.float64))]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        first, second = (torch.from_numpy(notes) for notes in self._notes(model, "test"))
        alike, partners = _cosines(first, second).numpy(), self.partners["test"][: len(first)].numpy()
        ranks = places_of_partners(alike, partners)
        rivals = {guess.key: _measures(guess.answers) for guess in guesses}
        report = judge_measures(self.spec.kind(), _measures(ranks), rivals, guesses, len(ranks))
        predictions = self._predictions(alike, partners, ranks)
        facts: dict[str, JsonValue] = {"Texts among which it is sought": len(ranks)}
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        return report.model_copy(update={"hardest": hardest, "facts": facts}), predictions

    def preparation(self) -> dict[str, object]:
        return {"columns": [self.spec.column(side) for side in SIDES], "low": 0.0, "range": 1.0}

    def _notes(self, model: nn.Module, part: Part) -> list[Floats]:
        """The notes of both sides of the first pairs of a part: (n, D) each."""
        return [read_scores(model, self.pairs.encoded[part, side], self.device.torch)[:MOST_SOUGHT] for side in SIDES]

    def _predictions(self, alike: Floats, partners: NDArray[np.int64], ranks: NDArray[np.int64]) -> pl.DataFrame:
        rows, texts = self.examples.rows["test"][: len(ranks)], self.pairs.texts["test", "second"]
        found = alike.argmax(1)
        right = np.arange(len(ranks))
        return pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": texts[: len(ranks)],
                "prediction": [texts[place] for place in found.tolist()],
                "confidence": np.clip(alike[right, found], 0, 1),
                "loss": alike[right, found] - alike[right, right],
                "rank": ranks,
                "correct": partners[found] == partners,
            }
        )


def partner_loss(first: Tensor, second: Tensor, partners: Tensor) -> Tensor:
    """Mean surprise at each text's own partner among all of the batch, in nats.

    `first` and `second` are notes (B, D), `partners` (B,) numbers that are equal where the second texts are.
    """
    scores = SHARPNESS * _cosines(first, second)
    same = (partners[:, None] == partners[None, :]) & ~torch.eye(len(partners), dtype=torch.bool, device=first.device)
    return F.cross_entropy(scores.masked_fill(same, -torch.inf), torch.arange(len(first), device=first.device))


def places_of_partners(alike: Floats, partners: NDArray[np.int64]) -> NDArray[np.int64]:
    """The place of each text's partner when all are put in the order of likeness (n, n), 1 for the first: (n,)."""
    own = np.diagonal(alike)[:, None]
    other = partners[:, None] != partners[None, :]
    return np.asarray(1 + ((alike >= own) & other).sum(1))


def _numbered(texts: Iterable[str]) -> Tensor:
    """A number for each text, the same for equal ones."""
    numbers: dict[str, int] = {}
    return torch.tensor([numbers.setdefault(text, len(numbers)) for text in texts])


def _cosines(first: Tensor, second: Tensor) -> Tensor:
    return F.normalize(first, dim=1) @ F.normalize(second, dim=1).T


def _hits(ranks: Floats | NDArray[np.int64]) -> dict[str, Floats]:
    return {"found_first": (ranks == 1).astype(np.float64), "mrr": 1 / ranks}


def _measures(ranks: Floats | NDArray[np.int64]) -> dict[str, Measure]:
    return {name: weighted_mean(values) for name, values in _hits(ranks).items()}
