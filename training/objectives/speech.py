"""Learning to write down what is said."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import ClassVar, Protocol, runtime_checkable

import numpy as np
import polars as pl
import torch
from rapidfuzz.distance import Levenshtein
from torch import Tensor, nn
from torch.nn import functional as F

from training.device import Device
from training.errors import TrainingError
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import Examples, Part
from training.measures import Floats
from training.media.heard import Heard
from training.media.predictors import HearsFiles
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS
from training.report import Report
from training.resampling import Measure, Weights
from training.spec import TrainSpec
from training.targets import labels

NOTHING = 0
"""The blank of CTC: no letter at this moment, or the same one still."""


@runtime_checkable
class KnowsLetters(Protocol):
    """A network that comes with letters of its own."""

    def take_letters(self, letters: str) -> None:
        """Answer for these letters, 1 and up, and for nothing, 0, as for its own."""


@OBJECTIVES.register("speech-recognition")
class SpokenWords:
    """CTC loss over the letters of the target column; A. Graves et al., "Connectionist temporal classification"."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        column = spec.column("target")
        names = {part: labels.as_names(examples.column(column, part)) for part in examples.rows}
        self.truth = {part: [plain(text) for text in texts] for part, texts in names.items()}
        self.letters = "".join(sorted(set("".join(self.truth["train"]))))
        if not self.letters:
            raise TrainingError(f"“{column}” is empty.", "Choose the column with what is said.", code="empty_texts")
        self.heard = Heard(spec, examples, device, model_folder.parent, outputs=1 + len(self.letters))
        self.shapes = replace(self.heard.shapes, per_token=True)
        self.targets = {part: [_numbers(text, self.letters) for text in texts] for part, texts in self.truth.items()}

    def initialise(self, model: nn.Module) -> None:
        """A pretrained network that writes letters goes on with those that it knows."""
        if isinstance(model, KnowsLetters):
            model.take_letters(self.letters)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.heard.epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        scores = model(self.heard.batch(indices, epoch))
        return ctc_loss(scores, [self.targets["train"][place] for place in indices.tolist()])

    @torch.no_grad()
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        scores = self._scores(model, part)
        written = [text for text, _ in read_letters(scores, self.letters)]
        everything = np.ones((1, len(written)))
        errors = {name: measure(everything) for name, measure in error_rates(written, self.truth[part]).items()}
        loss = float(ctc_loss(scores, self.targets[part]))
        return {"loss": loss} | {name: float(one[0]) for name, one in errors.items()}

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        common, _ = Counter(self.truth["train"]).most_common(1)[0]
        return [
            Guess(
                key="majority",
                title=f"Always writing “{common}”",
                about="What comes out without listening: the commonest words every time.",
                answers=np.empty(0),
                texts=[common] * len(self.truth["test"]),
            )
        ]

    @torch.no_grad()
    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        found = read_letters(self._scores(model, "test"), self.letters)
        written, truth = [text for text, _ in found], self.truth["test"]
        rows = self.examples.rows["test"]
        predictions = pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": truth,
                "prediction": written,
                "confidence": [sure for _, sure in found],
                "loss": _errors(written, truth) / [max(1, len(text)) for text in truth],
                "correct": [one == other for one, other in zip(written, truth, strict=True)],
            }
        )
        rivals = {guess.key: error_rates(guess.texts, truth) for guess in guesses}
        report = judge_measures(self.spec.kind(), error_rates(written, truth), rivals, guesses, len(truth))
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        return report.model_copy(update={"hardest": hardest}), predictions

    def preparation(self) -> dict[str, object]:
        return {"letters": self.letters, "hearing": asdict(self.heard.hearing)}

    def _scores(self, model: nn.Module, part: Part) -> Tensor:
        return torch.cat([model(self.heard.scaled(batch)).float() for batch in self.heard.batches(part)])


@PREDICTORS.register("speech-recognition")
class SpeechPredictor(HearsFiles):
    """Answers for sound files, {"audio": path}: the words."""

    key: ClassVar[str]

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"text", "confidence"} per sound."""
        written = read_letters(self.scores(inputs), self.prepared["letters"])
        return [{"text": text, "confidence": sure} for text, sure in written]


def read_letters(scores: Tensor, letters: str) -> list[tuple[str, float]]:
    """The likeliest letter of every moment (B, moments, 1 + letters), repeats and blanks left out, and how sure it is.

    How sure: the probability of the whole path, per moment (geometric mean).
    """
    best = scores.double().log_softmax(dim=2).max(dim=2)
    sure = best.values.mean(dim=1).exp().tolist()
    paths = [torch.unique_consecutive(path).tolist() for path in best.indices]
    texts = ["".join(letters[number - 1] for number in path if number != NOTHING) for path in paths]
    return [(" ".join(text.split()), one) for text, one in zip(texts, sure, strict=True)]


def error_rates(written: Sequence[str], truth: Sequence[str]) -> dict[str, Measure]:
    """Word and character error rate of texts against the true ones, headline first."""
    words = [text.split() for text in truth]
    return {
        "wer": _rate(_errors([text.split() for text in written], words), [len(text) for text in words]),
        "cer": _rate(_errors(written, truth), [len(text) for text in truth]),
    }


def plain(text: str) -> str:
    """Small letters, without signs, single spaces: what can be heard."""
    heard = "".join(letter if letter.isalnum() or letter == "'" else " " for letter in text.casefold())
    return " ".join(heard.split())


def _rate(errors: Floats, lengths: Sequence[int]) -> Measure:
    said = np.asarray(lengths, np.float64)

    def measure(weights: Weights) -> Floats:
        return np.asarray(weights @ errors / np.maximum(weights @ said, 1))

    return measure


def _errors(written: Sequence[Sequence[str]], truth: Sequence[Sequence[str]]) -> Floats:
    """For each text how many of its parts are wrong, missing or too many: (n,)."""
    return np.array([Levenshtein.distance(one, other) for one, other in zip(written, truth, strict=True)], np.float64)


def _numbers(text: str, letters: str) -> Tensor:
    """Letters as numbers from 1; those that the train part does not have are left out."""
    return torch.tensor([letters.index(letter) + 1 for letter in text if letter in letters], dtype=torch.long)


def ctc_loss(scores: Tensor, targets: Sequence[Tensor]) -> Tensor:
    """Nats per letter of scores (B, moments, 1 + letters); texts with more letters than moments do not count."""
    moments = torch.full((len(scores),), scores.size(1), dtype=torch.long)
    lengths = torch.tensor([len(target) for target in targets])
    return F.ctc_loss(
        scores.float().log_softmax(dim=2).transpose(0, 1),
        torch.cat(list(targets)).to(scores.device),
        moments,
        lengths,
        blank=NOTHING,
        zero_infinity=True,
    )
