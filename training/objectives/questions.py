"""Learning to answer questions with the words of a text: the first and the last token of the answer."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import ClassVar, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
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
from training.spec import TrainSpec
from training.texts.answers import NONE, answer_estimators, guess_answer, score_answers
from training.texts.columns import ColumnTexts, MadeOfRows
from training.texts.passages import Asked, Found, Windows, best_stretch, cut_windows
from training.texts.reading import Reads, tokenizer_for
from training.texts.spelling import Spells
from training.texts.tokenizers import load_tokenizer

WATCHED = 400
"""Questions that a look at held-out data answers at most; the report is made of all."""


@OBJECTIVES.register("question-answering")
class Answers:
    """Cross-entropy over the tokens of a window, for the answer's start and for its end."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        self.settings = cast(Reads, spec.network())
        watched = examples.rows["val"][:: math.ceil(len(examples.rows["val"]) / WATCHED)]
        self.asked = {part: _asked(examples, rows, spec) for part, rows in (examples.rows | {"val": watched}).items()}
        self.declines = any(not one.answers for one in self.asked["train"])
        if not any(one.answers for one in self.asked["train"]):
            raise TrainingError("No question has an answer.", "Choose data with answers.", code="no_answers")
        model_folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = tokenizer_for(spec, _texts(examples, spec))
        self.tokenizer.save_pretrained(model_folder)
        self.spelled = isinstance(self.settings, Spells) and self.settings.spelled
        self.windows = {
            part: cut_windows(self.tokenizer, asked, self.settings.length, spelled=self.spelled, folder=model_folder)
            for part, asked in self.asked.items()
        }
        self.targets = {
            part: torch.from_numpy(windows.targets(self.asked[part])) for part, windows in self.windows.items()
        }
        self.shapes = Shapes(outputs=2, vocabulary=len(self.tokenizer), length=self.settings.length, per_token=True)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.windows["train"].encoded.epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        ids, mask = self.windows["train"].encoded.batch(indices.numpy(), self.device.torch)
        scores = model(ids, mask).float().masked_fill(~mask[:, :, None], -torch.inf)
        targets = self.targets["train"][indices].to(scores.device)
        return F.cross_entropy(scores.transpose(1, 2).flatten(0, 1), targets.flatten())

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        found, losses = self._read(model, part)
        scores = score_answers(self._say(found, part), _right(self.asked[part]))
        return {
            "loss": float(losses.mean()),
            "f1": float(scores[:, 0].mean()),
            "exact_match": float(scores[:, 1].mean()),
        }

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        asked = self.asked["test"]
        guessed = [guess_answer(one.question, one.context) for one in asked]
        guesses = [
            Guess(
                key="likest-sentence",
                title="A name from the likest sentence",
                about="Takes the sentence that shares most words with the question, and the first new name in it.",
                answers=score_answers(guessed, _right(asked)),
            )
        ]
        if self.declines:
            guesses.append(
                Guess(
                    key="no-answer",
                    title="Always saying “no answer”",
                    about="Right wherever the text does not hold the answer.",
                    answers=score_answers([NONE] * len(asked), _right(asked)),
                )
            )
        return guesses

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        found, _losses = self._read(model, "test")
        said = self._say(found, "test")
        scores = score_answers(said, _right(self.asked["test"]))
        rivals = {guess.key: answer_estimators(guess.answers) for guess in guesses}
        report = judge_measures(self.spec.kind(), answer_estimators(scores), rivals, guesses, len(scores))
        predictions = self._predictions(said, found, scores)
        hardest = hardest_examples(predictions.sort("loss", "confidence", descending=True))
        return report.model_copy(update={"hardest": hardest, "facts": self._facts()}), predictions

    def preparation(self) -> dict[str, object]:
        columns = {role: self.spec.column(role) for role in ("context", "question")}
        return {"columns": columns, "declines": self.declines, "spelled": self.spelled}

    def _read(self, model: nn.Module, part: Part) -> tuple[list[Found], Floats]:
        """The best stretch for each question, and the loss of every window."""
        return read_answers(model, self.windows[part], self.device.torch, self.targets[part])

    def _say(self, found: Sequence[Found], part: Part) -> list[str]:
        return [say(one.context, best, self.declines) for one, best in zip(self.asked[part], found, strict=True)]

    def _predictions(self, said: list[str], found: list[Found], scores: Floats) -> pl.DataFrame:
        rows = self.examples.rows["test"]
        return pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": [one.answers[0][0] if one.answers else "no answer" for one in self.asked["test"]],
                "prediction": [answer or "no answer" for answer in said],
                "confidence": [best.probability for best in found],
                "loss": 1 - scores[:, 0],
                "correct": scores[:, 1] > 0,
            }
        )

    def _facts(self) -> dict[str, JsonValue]:
        held_out = self.asked["test"]
        return {
            "Vocabulary": len(self.tokenizer),
            "Windows to learn from": len(self.windows["train"].example),
            "Held-out questions without an answer": sum(not one.answers for one in held_out),
        }


@PREDICTORS.register("question-answering")
class AnswerPredictor:
    """Answers questions about a text: {"context": ..., "question": ...}, or the columns of the data."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        config = read_config(folder)
        prepared = cast(dict[str, object], config["preparation"])
        self.columns = cast(dict[str, str], prepared["columns"])
        self.declines, self.spelled = bool(prepared["declines"]), bool(prepared["spelled"])
        self.length = int(cast(dict[str, int], config["shapes"])["length"])
        self.tokenizer = load_tokenizer(folder)
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"answer", "start", "end", "confidence", "context"} each; the answer is "" where the text holds none."""
        asked = [Asked(self._given(row, "question"), self._given(row, "context"), []) for row in inputs]
        windows = cut_windows(self.tokenizer, asked, self.length, spelled=self.spelled)
        found, _ = read_answers(self.model, windows, self.device.torch)
        return [self._told(one, best) for one, best in zip(asked, found, strict=True)]

    def _told(self, asked: Asked, best: Found) -> dict[str, object]:
        told: dict[str, object] = {"answer": say(asked.context, best, self.declines), "context": asked.context}
        return told | {"start": best.start, "end": best.end, "confidence": best.probability}

    def _given(self, row: dict[str, object], role: str) -> str:
        text = str(row.get(role) or row.get(self.columns[role]) or "")
        if not text.strip():
            what = {"context": "There is no text to look in.", "question": "There is no question."}[role]
            raise TrainingError(what, f"Give it as “{role}”.", code="no_text")
        return text


@torch.no_grad()
def read_answers(
    model: nn.Module, windows: Windows, device: torch.device, targets: Tensor | None = None
) -> tuple[list[Found], Floats]:
    """The best stretch of each example over all its windows, and the loss of every window whose target is given."""
    best: dict[int, Found] = {}
    losses = np.zeros(len(windows.example))
    for indices in windows.encoded.in_order_of_length():
        ids, mask = windows.encoded.batch(indices, device)
        scores = model(ids, mask).double().masked_fill(~mask[:, :, None], -torch.inf)
        if targets is not None:
            wanted = targets[indices].to(device)
            loss = F.cross_entropy(scores.transpose(1, 2).flatten(0, 1), wanted.flatten(), reduction="none")
            losses[indices] = loss.view(-1, 2).mean(dim=1).cpu().numpy()
        for window, part in zip(indices, scores.cpu().numpy(), strict=True):
            places = windows.stretch(window)
            found, example = best_stretch(part[: len(places)], places), int(windows.example[window])
            if example not in best or found.advantage > best[example].advantage:
                best[example] = found
    return [best[example] for example in range(len(best))], losses


def say(context: str, found: Found, declines: bool) -> str:
    """The words of the stretch; none where the model may decline and rather does."""
    return NONE if declines and found.advantage < 0 else context[found.start : found.end]


def _asked(examples: Examples, rows: NDArray[np.int64], spec: TrainSpec) -> Sequence[Asked]:
    """What these rows ask, made of the table some at a time."""
    names = [spec.column(role) for role in ("question", "context", "answers")]

    def make(some: pl.DataFrame) -> list[Asked]:
        return [
            Asked(str(question or ""), str(context or ""), [(a["text"], int(a["start"] or 0)) for a in answers or []])
            for question, context, answers in zip(*(some[name].to_list() for name in names), strict=True)
        ]

    return MadeOfRows(examples.frame.select(names), rows, make)


def _texts(examples: Examples, spec: TrainSpec) -> Sequence[str]:
    """The questions and passages to learn from, each once."""
    columns = [examples.column(spec.column(role), "train").cast(pl.String) for role in ("question", "context")]
    texts = pl.concat([column.rename("text") for column in columns]).drop_nulls().unique(maintain_order=True)
    return ColumnTexts(texts.to_frame(), ["text"])


def _right(asked: Sequence[Asked]) -> list[list[str]]:
    return [[text for text, _ in one.answers] for one in asked]
