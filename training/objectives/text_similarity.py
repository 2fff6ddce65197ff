"""Learning how alike two texts are: both are read by one network, and their notes are compared."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import polars as pl
import torch
from scipy.stats import rankdata
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.device import Device
from training.errors import TrainingError
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import PARTS, Examples, Part
from training.grams import count_words
from training.measures import Floats
from training.model_folder import load_network, read_config
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS
from training.reading import Encoded, Reads, encode_texts, join_columns, tokenizer_for
from training.report import Report
from training.resampling import Measure, Weights
from training.spec import TrainSpec
from training.text import load_tokenizer
from training.tfidf import Weighting
from training.value_target import ValueTarget
from training.whole_texts import read_scores

SIDES = ("first", "second")
MOST_WORDS = 200_000


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
        self.texts = {
            (part, side): join_columns(examples.frame[examples.rows[part]], spec.roles[side])
            for part in PARTS
            for side in SIDES
        }
        learnt = [text for side in SIDES for text in self.texts["train", side]]
        model_folder.mkdir(parents=True, exist_ok=True)
        tokenizer = tokenizer_for(spec, learnt)
        tokenizer.save_pretrained(model_folder)
        length = cast(Reads, spec.network()).length
        self.shapes = Shapes(outputs=0, vocabulary=len(tokenizer), length=length)
        self.encoded = {key: encode_texts(tokenizer, texts, length) for key, texts in self.texts.items()}
        self.wanted = torch.from_numpy((numbers - self.low) / self.range).float().to(device.torch)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.encoded["train", "first"].epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        first, second = (
            model(*self.encoded["train", side].batch(indices.numpy(), self.device.torch)).float() for side in SIDES
        )
        return F.mse_loss(F.cosine_similarity(first, second), self.wanted[indices.to(first.device)])

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        alike, truth = self._alike(model, part), self.target.truth[part]
        loss = float(((alike - (truth - self.low) / self.range) ** 2).mean())
        everything = np.ones((1, len(truth)))
        return {"loss": loss} | {name: float(one(everything)[0]) for name, one in correlations(truth, alike).items()}

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        learnt = [text for side in SIDES for text in self.texts["train", side]]
        weighting = Weighting.learn(count_words(learnt, longest=1), least=1, most=MOST_WORDS)
        first, second = (weighting.apply(count_words(self.texts["test", side], longest=1)) for side in SIDES)
        shared = np.asarray(first.multiply(second).sum(axis=1)).ravel()
        about = "Weighs the words that both texts have, the rarer the more: the cosine of TF-IDF."
        return [Guess("shared-words", "Words in common (TF-IDF)", about, shared)]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        truth, predicted = self.target.truth["test"], self._alike(model, "test") * self.range + self.low
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

    def _alike(self, model: nn.Module, part: Part) -> Floats:
        return cosines(model, [self.encoded[part, side] for side in SIDES], self.device.torch)


@PREDICTORS.register("text-similarity")
class AlikePredictor:
    """Answers for two texts: {"first": ..., "second": ...}, or the columns of the data."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        config = cast(dict[str, dict[str, object]], read_config(folder))
        self.prepared, self.length = config["preparation"], int(cast(int, config["shapes"]["length"]))
        self.tokenizer = load_tokenizer(folder)
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"value"} per pair, in the target's unit."""
        columns = cast(list[str], self.prepared["columns"])
        sides = [[_text(row, side, column) for row in inputs] for side, column in zip(SIDES, columns, strict=True)]
        read = [encode_texts(self.tokenizer, texts, self.length) for texts in sides]
        low, reach = cast(float, self.prepared["low"]), cast(float, self.prepared["range"])
        return [{"value": alike * reach + low} for alike in cosines(self.model, read, self.device.torch).tolist()]


def cosines(model: nn.Module, sides: Sequence[Encoded], device: torch.device) -> Floats:
    """How alike the notes of two rows of texts are, from -1 to 1: (pairs,)."""
    first, second = (torch.from_numpy(read_scores(model, side, device)) for side in sides)
    return F.cosine_similarity(first, second).numpy()


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
