"""Learning to mark names in sentences: one tag for every word."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar, Literal, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.data.mapped import Growing
from training.device import Device
from training.errors import TrainingError
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import PARTS, Examples, Part
from training.measures import Floats
from training.model_folder import load_network, read_config
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS
from training.report import Report
from training.spec import TrainSpec
from training.techniques.losses import tag_weights
from training.texts.columns import MadeOfRows
from training.texts.entities import (
    OUTSIDE,
    count_entities,
    entities,
    entity_estimators,
    forbidden_steps,
    in_words,
    kind_rows,
    likeliest_tags,
)
from training.texts.reading import Encoded, Firsts, Reads, encode_words, tokenizer_for
from training.texts.spelling import Spells
from training.texts.tokenizers import load_tokenizer
from training.texts.words import split_tokens

NO_TAG = -100
"""What the loss passes over: further pieces of a word, and marks of the tokenizer."""


@dataclass(frozen=True)
class Sentences:
    """The words of one part with their true tags, cut into tokens."""

    words: Sequence[list[str]]
    tags: Sequence[list[str]]
    encoded: Encoded
    firsts: Firsts


@OBJECTIVES.register("token-classification")
class TokenTags:
    """Cross-entropy over the tags, at the first token of each word; said is the likeliest row of tags that can be.

    Where every name of the examples to learn from is opened by its own tag, names are said in no other way.
    """

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        self.settings = cast(Reads, spec.network())
        self.spelled = isinstance(self.settings, Spells) and self.settings.spelled
        words, tags = ({part: self._named(part, name) for part in PARTS} for name in ("token", "tag"))
        self.tags = sorted({tag for row in tags["train"] for tag in row}, key=lambda tag: (tag != OUTSIDE, tag))
        if len(self.tags) < 2:
            raise TrainingError("No word is marked.", "Choose data in which names are marked.", code="one_class")
        self.forbidden = _forbidden(self.tags, tags["train"])
        model_folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = tokenizer_for(spec, self._joined())
        self.tokenizer.save_pretrained(model_folder)
        self.parts = {part: self._sentences(words[part], tags[part], model_folder) for part in PARTS}
        self.targets = self._targets(self.parts["train"], model_folder)
        self.weights = tag_weights(self.targets, [tag == OUTSIDE for tag in self.tags], spec.recipe)
        self.shapes = Shapes(
            outputs=len(self.tags), vocabulary=len(self.tokenizer), length=self.settings.length, per_token=True
        )

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.parts["train"].encoded.epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        encoded, places = self.parts["train"].encoded, indices.numpy()
        scores = model(*encoded.batch(places, self.device.torch)).float()
        targets = encoded.padded(self.targets, places, NO_TAG).long().to(scores.device)
        smoothing = self.spec.recipe.label_smoothing
        return F.cross_entropy(
            scores.flatten(0, 1),
            targets.flatten(),
            None if self.weights is None else self.weights.to(scores.device),
            ignore_index=NO_TAG,
            label_smoothing=smoothing,
        )

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        sentences = self.parts[part]
        said, losses = self._read(model, sentences)
        everything = np.ones((1, len(said)))
        measures = entity_estimators(count_entities(sentences.tags, said))
        return {"loss": float(np.mean(losses))} | {
            name: float(measures[name](everything)[0]) for name in ("f1", "accuracy")
        }

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        return [
            Guess(
                key="usual-tag",
                title="Each word's usual tag",
                about="Gives every word the tag that it has most often in the examples to learn from.",
                answers=count_entities(self.parts["test"].tags, _usual_tags(self.parts["train"], self.parts["test"])),
            )
        ]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        sentences = self.parts["test"]
        said, losses = self._read(model, sentences)
        counts = count_entities(sentences.tags, said)
        rivals = {guess.key: entity_estimators(guess.answers) for guess in guesses}
        report = judge_measures(self.spec.kind(), entity_estimators(counts), rivals, guesses, len(counts))
        predictions = self._predictions(sentences, said, losses)
        parts = {
            "classes": kind_rows(sentences.tags, said),
            "hardest": hardest_examples(predictions.sort("loss", descending=True)),
            "facts": self._facts(),
        }
        return report.model_copy(update=parts), predictions

    def preparation(self) -> dict[str, object]:
        columns = self.spec.roles["spans"]
        return {"tags": self.tags, "columns": columns, "spelled": self.spelled, "forbidden": self.forbidden.tolist()}

    def _named(self, part: Part, name: Literal["token", "tag"]) -> Sequence[list[str]]:
        """The words or the tags of each sentence; an empty sentence keeps its place."""
        return self._made(part, self._field(name).fill_null(pl.lit([], pl.List(pl.String))))

    def _joined(self) -> Sequence[str]:
        """The sentences to learn from as texts."""
        return self._made("train", self._field("token").list.join(" ").fill_null(""))

    def _field(self, name: Literal["token", "tag"]) -> pl.Expr:
        return pl.col(self.spec.column("spans")).list.eval(pl.element().struct.field(name).fill_null(""))

    def _made(self, part: Part, wanted: pl.Expr) -> MadeOfRows[Any]:
        frame = self.examples.frame.select(self.spec.column("spans"))
        return MadeOfRows(frame, self.examples.rows[part], lambda some: some.select(wanted).to_series().to_list())

    def _sentences(self, words: Sequence[list[str]], tags: Sequence[list[str]], folder: Path) -> Sentences:
        encoded, firsts = encode_words(self.tokenizer, words, self.settings.length, spelled=self.spelled, folder=folder)
        return Sentences(words, tags, encoded, firsts)

    def _targets(self, sentences: Sentences, folder: Path) -> Tensor:
        """Tag numbers at the first token of each word, NO_TAG elsewhere: int32 (tokens of all texts,)."""
        numbers = {tag: number for number, tag in enumerate(self.tags)}
        targets = Growing(np.int32, folder)
        for length, firsts, tags in zip(sentences.encoded.lengths, sentences.firsts, sentences.tags, strict=True):
            one, there = np.full(length, NO_TAG, np.int32), firsts >= 0
            one[firsts[there]] = np.array([numbers[tag] for tag in tags], np.int32)[there]
            targets.add(one)
        return torch.from_numpy(targets.whole())

    def _read(self, model: nn.Module, sentences: Sentences) -> tuple[list[list[str]], Floats]:
        """The tags said, and each sentence's mean loss over the words that are read and whose tag is known."""
        numbers = {tag: number for number, tag in enumerate(self.tags)}
        said, losses = [], np.zeros(len(sentences.tags))
        read = read_tags(model, sentences.encoded, sentences.firsts, self.device.torch)
        for row, (logs, tags) in enumerate(zip(read, sentences.tags, strict=True)):
            said.append([self.tags[number] for number in likeliest_tags(logs, self.forbidden)])
            known = np.array([numbers.get(tag, -1) for tag in tags], dtype=np.int64)
            counted = (known >= 0) & (sentences.firsts[row] >= 0)
            losses[row] = -logs[counted, known[counted]].mean() if counted.any() else 0.0
        return said, losses

    def _predictions(self, sentences: Sentences, said: list[list[str]], losses: Floats) -> pl.DataFrame:
        rows = self.examples.rows["test"]
        return pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": [in_words(*pair) for pair in zip(sentences.words, sentences.tags, strict=True)],
                "prediction": [in_words(*pair) for pair in zip(sentences.words, said, strict=True)],
                "loss": losses,
                "correct": [
                    entities(true) == entities(guess) for true, guess in zip(sentences.tags, said, strict=True)
                ],
            }
        )

    def _facts(self) -> dict[str, JsonValue]:
        train = self.parts["train"]
        return {
            "Vocabulary": len(self.tokenizer),
            "Kinds of names": len({name.kind for tags in train.tags for name in entities(tags)}),
            "Names to learn from": sum(len(entities(tags)) for tags in train.tags),
        }


@PREDICTORS.register("token-classification")
class TokenPredictor:
    """Marks names in texts: {"text": ...}, or {"tokens": [...]} where the words are cut already."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        config = read_config(folder)
        prepared = cast(dict[str, object], config["preparation"])
        self.tags = cast(list[str], prepared["tags"])
        self.columns = cast(list[str], prepared["columns"])
        self.spelled, self.forbidden = bool(prepared["spelled"]), np.array(prepared["forbidden"], dtype=bool)
        self.length = int(cast(dict[str, int], config["shapes"])["length"])
        self.tokenizer = load_tokenizer(folder)
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"text", "entities": [{"text", "kind", "start", "end", "confidence"}]} per text; places in characters."""
        return [self._mark(*self._cut(row)) for row in inputs]

    def _mark(self, text: str, places: list[tuple[int, int]]) -> dict[str, object]:
        words = [text[start:end] for start, end in places]
        encoded, firsts = encode_words(self.tokenizer, [words], self.length, spelled=self.spelled)
        (logs,) = read_tags(self.model, encoded, firsts, self.device.torch)
        numbers = likeliest_tags(logs, self.forbidden)
        said, sure = [self.tags[number] for number in numbers], np.exp(logs[np.arange(len(numbers)), numbers])
        return {"text": text, "entities": [self._entity(text, places, sure, *name) for name in entities(said)]}

    def _entity(
        self, text: str, places: list[tuple[int, int]], sure: Floats, kind: str, first: int, end: int
    ) -> dict[str, object]:
        start, stop = places[first][0], places[end - 1][1]
        confidence = float(sure[first:end].min())
        return {"text": text[start:stop], "kind": kind, "start": start, "end": stop, "confidence": confidence}

    def _cut(self, row: dict[str, object]) -> tuple[str, list[tuple[int, int]]]:
        """The text, and where its words stand."""
        given = next((row[name] for name in ("tokens", "text", *self.columns) if row.get(name)), None)
        if isinstance(given, str) and given.strip():
            return given, split_tokens(given)
        if isinstance(given, list):
            words = [str(word["token"] if isinstance(word, dict) else word) for word in given]
            starts = np.cumsum([0, *(len(word) + 1 for word in words)]).tolist()
            return " ".join(words), [(start, start + len(word)) for start, word in zip(starts, words, strict=False)]
        raise TrainingError("There is no text to read.", "Give it as “text”.", code="no_text")


@torch.no_grad()
def read_tags(model: nn.Module, encoded: Encoded, firsts: Firsts, device: torch.device) -> Iterator[Floats]:
    """Log probabilities (words, tags) of one sentence after the other; words that are cut off get the first tag."""
    found: dict[int, Floats] = {}
    for indices in encoded.in_order_of_length():
        scores = model(*encoded.batch(indices, device)).double().log_softmax(dim=2).cpu().numpy()
        for place, row in enumerate(indices):
            logs = scores[place][np.maximum(firsts[row], 0)]
            logs[firsts[row] < 0] = np.where(np.arange(logs.shape[1]) == 0, 0.0, -36.0)
            found[int(row)] = logs
    return (found[row] for row in range(len(firsts)))


def _forbidden(tags: list[str], learnt: Sequence[list[str]]) -> NDArray[np.bool_]:
    """Steps between tags that are not said: none where the examples to learn from take such steps themselves."""
    forbidden, numbers = forbidden_steps(tags), {tag: number for number, tag in enumerate(tags)}
    start = len(tags)
    taken = {pair for row in learnt for pair in pairwise([start, *(numbers[tag] for tag in row)])}
    return np.zeros_like(forbidden) if any(forbidden[pair] for pair in taken) else forbidden


def _usual_tags(train: Sentences, test: Sentences) -> list[list[str]]:
    counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for words, tags in zip(train.words, train.tags, strict=True):
        for word, tag in zip(words, tags, strict=True):
            counts[word][tag] += 1
    return [
        [counts[word].most_common(1)[0][0] if word in counts else OUTSIDE for word in words] for words in test.words
    ]
