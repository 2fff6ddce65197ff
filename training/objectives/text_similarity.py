"""Learning how alike two texts are: both are read by one network, and their notes are compared."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import polars as pl
import torch
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn import functional as F

from training.device import Device
from training.errors import TrainingError
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import Examples, Part
from training.measures import Floats
from training.model_folder import load_network, read_config
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS
from training.report import Report
from training.resampling import Measure, Weights
from training.spec import TrainSpec
from training.targets.values import ValueTarget
from training.texts.reading import encode_texts
from training.texts.text_pairs import SIDES, TextPairs, cosines
from training.texts.tokenizers import load_tokenizer


@OBJECTIVES.register("text-similarity")
class AlikeTexts:
    """Squared error of the cosine between the notes of two texts, which goes up with the given numbers from 0 to 1.

    Reimers and Gurevych, "Sentence-BERT", 2019, https://arxiv.org/abs/1908.10084
    """

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        self.target = ValueTarget(spec, examples)
        numbers = self.target.truth["train"]
        self.low, self.range = float(numbers.min()), float(np.ptp(numbers)) or 1.0
        self.pairs = TextPairs.read(spec, examples, model_folder)
        self.shapes = self.pairs.shapes
        self.wanted = torch.from_numpy((numbers - self.low) / self.range).float().to(device.torch)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.pairs.encoded["train", "first"].epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        first, second = self.pairs.notes(model, indices, self.device.torch)
        return F.mse_loss(F.cosine_similarity(first, second), self.wanted[indices.to(first.device)])

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        alike, truth = self.pairs.alike(model, part, self.device.torch), self.target.truth[part]
        loss = float(((alike - (truth - self.low) / self.range) ** 2).mean())
        everything = np.ones((1, len(truth)))
        return {"loss": loss} | {name: float(one(everything)[0]) for name, one in correlations(truth, alike).items()}

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        first, second = self.pairs.weighted_words()
        shared = np.asarray(first.multiply(second).sum(axis=1)).ravel()
        about = "Weighs the words that both texts have, the rarer the more: the cosine of TF-IDF."
        return [Guess("shared-words", "Words in common (TF-IDF)", about, shared)]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        truth = self.target.truth["test"]
        predicted = self.pairs.alike(model, "test", self.device.torch) * self.range + self.low
        rows = self.examples.rows["test"]
        predictions = pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": truth,
                "prediction": predicted,
                "error": predicted - truth,
                "loss": np.abs(predicted - truth),
            }
        )
        rivals = {guess.key: correlations(truth, guess.answers) for guess in guesses}
        report = judge_measures(self.spec.kind(), correlations(truth, predicted), rivals, guesses, len(truth))
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        return report.model_copy(update={"hardest": hardest}), predictions

    def preparation(self) -> dict[str, object]:
        columns = [self.spec.column(side) for side in SIDES]
        return {"columns": columns, "low": self.low, "range": self.range}


@PREDICTORS.register("text-similarity")
@PREDICTORS.register("text-matching")
class AlikePredictor:
    """Says how alike two texts are: {"first": ..., "second": ...}, or the columns of the data."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        config = cast(dict[str, dict[str, object]], read_config(folder))
        self.prepared, self.length = config["preparation"], int(cast(int, config["shapes"]["length"]))
        self.tokenizer = load_tokenizer(folder)
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"value"} per pair, in the target's unit; where there is none, the cosine."""
        columns = cast(list[str], self.prepared["columns"])
        sides = [[_text(row, side, column) for row in inputs] for side, column in zip(SIDES, columns, strict=True)]
        read = [encode_texts(self.tokenizer, texts, self.length) for texts in sides]
        low, reach = cast(float, self.prepared["low"]), cast(float, self.prepared["range"])
        return [{"value": alike * reach + low} for alike in cosines(self.model, read, self.device.torch).tolist()]


def correlations(truth: Floats, predicted: Floats) -> dict[str, Measure]:
    """Rank correlation, of ranks among all pairs, and correlation of predicted numbers (n,) with true ones."""
    return {"spearman": _correlation(rankdata(truth), rankdata(predicted)), "pearson": _correlation(truth, predicted)}


def _correlation(x: Floats, y: Floats) -> Measure:
    def measure(weights: Weights) -> Floats:
        shares = weights / weights.sum(axis=1, keepdims=True)
        mean_x, mean_y = shares @ x, shares @ y
        spread = (shares @ x**2 - mean_x**2) * (shares @ y**2 - mean_y**2)
        return np.asarray((shares @ (x * y) - mean_x * mean_y) / np.sqrt(np.maximum(spread, 1e-18)))

    return measure


def _text(row: dict[str, object], side: str, column: str) -> str:
    if side not in row and column not in row:
        raise TrainingError("One of the two texts is missing.", f"Give it as “{side}” or “{column}”.", code="no_text")
    return str(row.get(column, row.get(side)) or "")
