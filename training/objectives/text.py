"""Learning to sort texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import ClassVar, TypeVar, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from scipy.special import logsumexp, softmax
from torch import Tensor, nn

from training import labels
from training.architectures import Rounds, Shapes
from training.device import Device
from training.errors import TrainingError
from training.evaluate import judge_classes
from training.events import Sample, Warning
from training.examples import PARTS, Examples, Part
from training.losses import class_loss, class_weights
from training.measures import Floats, Ints, class_measures
from training.model_folder import load_network, read_config
from training.objectives import OBJECTIVES, Guess
from training.predict import PREDICTORS, best_first
from training.reading import CountsWords, Encoded, Reads, encode_texts, join_columns, join_values, tokenizer_for
from training.report import Report
from training.spec import TrainSpec
from training.text import load_tokenizer
from training.tfidf import FIFTHS, LONGEST, CountedWords, Learnt, learn_counted_words
from training.words import leave_out, split_words

T = TypeVar("T")

MOST_CUT = 0.1
"""Share of texts longer than what is read from which on the person is told."""


@OBJECTIVES.register("text-classification")
class TextClasses:
    """Cross-entropy over the classes of the target column; all texts cut into tokens once.

    A network that builds on counted words learns with what a linear model, which has not seen the text, says of it.
    """

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        self.settings = cast(Reads, spec.network())
        target = spec.column("target")
        names = {part: labels.as_names(examples.column(target, part)) for part in PARTS}
        self.labels = labels.learn_labels(names["train"], target)
        self.truth = {part: labels.encode(names[part], self.labels) for part in PARTS}
        self.targets = torch.from_numpy(self.truth["train"])

        self.texts = {part: join_columns(examples.frame[examples.rows[part]], spec.roles["text"]) for part in PARTS}
        if not any(text.strip() for text in self.texts["train"]):
            raise TrainingError("All texts are empty.", "Choose another column to read.", code="empty_texts")
        model_folder.mkdir(parents=True, exist_ok=True)
        self.weights = class_weights(self.targets, len(self.labels), spec.recipe)
        if self.weights is not None:
            self.weights = self.weights.to(device.torch)
        self.model_folder = model_folder
        self.shapes = Shapes(outputs=len(self.labels))
        self.encoded: dict[Part, Encoded] = {}
        self.linear: Learnt | None = None
        if self.settings.length:
            self._cut_into_tokens()
            if self.settings.counted:
                linear = self._learn_linear(fifths=FIFTHS)
                self._build_on(linear)
                self.apart = torch.from_numpy(linear.apart(self.counted["train"])).float()

    def count_words(self, model: nn.Module) -> Rounds:
        """The one round of a model that only counts: learn it, and tell the losses."""
        longest = cast(CountsWords, self.settings)
        self._build_on(self._learn_linear(fifths=1, longest=(longest.words, longest.letters)))
        seen = self.truth["train"] >= 0
        loss = class_measures(self.truth["train"][seen], self._probabilities(model, "train")[seen])["loss"]
        yield {"train/loss": loss} | {f"val/{name}": value for name, value in self.evaluate(model, "val").items()}

    def initialise(self, model: nn.Module) -> None:
        pass  # readers start from plain random or from pretrained weights

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.encoded["train"].epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        scores = model(*self.encoded["train"].batch(indices.numpy(), self.device.torch)).float()
        if self.linear is not None:
            scores = scores + self.apart[indices].to(scores.device)
        targets = self.targets[indices].to(scores.device)
        return class_loss(scores, targets, self.spec.recipe, self.weights)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        known = self.truth[part] >= 0
        return class_measures(self.truth[part][known], self._probabilities(model, part)[known])

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def baselines(self) -> list[Guess]:
        known = self.truth["test"] >= 0
        majority = labels.majority(self.truth["train"], self.labels, int(known.sum()))
        if not self.encoded:  # it is that linear model itself
            return [majority]
        texts = [text for text, there in zip(self.texts["test"], known, strict=True) if there]
        return [majority, self._linear_guess(texts)]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        known = self.truth["test"] >= 0
        rows = self.examples.rows["test"][known]
        report, predictions = judge_classes(
            task=self.spec.kind(),
            labels=self.labels,
            truth=self.truth["test"][known],
            probabilities=self._probabilities(model, "test")[known],
            ids=self.examples.ids[rows],
            rows=rows,
            guesses=guesses,
        )
        return report.model_copy(update={"facts": self._facts()}), predictions

    def preparation(self) -> dict[str, object]:
        return {"labels": self.labels, "columns": self.spec.roles["text"], "counted": self.settings.counted}

    def _cut_into_tokens(self) -> None:
        tokenizer = tokenizer_for(self.spec, self.texts["train"])
        tokenizer.save_pretrained(self.model_folder)
        length = self.settings.length
        self.shapes = replace(self.shapes, vocabulary=len(tokenizer), length=length)
        self.encoded = self._each(lambda texts: encode_texts(tokenizer, texts, length))

    def _build_on(self, linear: Learnt) -> None:
        """Add what a linear model over counted words says to whatever the network says."""
        self.linear = linear
        linear.model.save(self.model_folder)
        self.counted = self._each(linear.model.scores)

    def warnings(self) -> list[Warning]:
        """Say so if many texts are longer than what is read."""
        if not self.encoded:
            return []
        share = self.encoded["train"].cut / len(self.texts["train"])
        if share < MOST_CUT:
            return []
        message = f"{share:.0%} of the texts are longer than the {self.settings.length} tokens that are read."
        return [Warning(message=message, hint="Raise “Longest text” if their ends matter.")]

    def _probabilities(self, model: nn.Module, part: Part) -> Floats:
        scores = read_scores(model, self.encoded[part], self.device.torch) if self.encoded else 0.0
        if self.linear is not None:
            scores = scores + self.counted[part]
        return np.asarray(softmax(scores, axis=1))

    def _each(self, work: Callable[[list[str]], T]) -> dict[Part, T]:
        """What `work` makes of the texts of every part; once only where two parts are the same."""
        train, test = work(self.texts["train"]), work(self.texts["test"])
        same = self.examples.rows["val"] is self.examples.rows["test"]
        return {"train": train, "val": test if same else work(self.texts["val"]), "test": test}

    def _learn_linear(self, *, fifths: int, longest: tuple[int, int] = LONGEST) -> Learnt:
        return learn_counted_words(
            self.texts["train"], self.truth["train"], len(self.labels), fifths=fifths, longest=longest
        )

    def _linear_guess(self, texts: list[str]) -> Guess:
        linear = self.linear or self._learn_linear(fifths=1)
        about = "Counts words, pairs of words and groups of letters, and gives each a weight: fast, and hard to beat."
        if len(linear.chosen) < len(self.texts["train"]):
            about += f" Learnt from {len(linear.chosen):,} of the {len(self.texts['train']):,} texts, to save time."
        answers = np.asarray(softmax(linear.model.scores(texts), axis=1))
        return Guess("tfidf", "Weighted words (TF-IDF, linear)", about, answers)

    def _facts(self) -> dict[str, JsonValue]:
        if not self.encoded:
            assert self.linear is not None
            return {"Words and letter groups with a weight": len(self.linear.model.weights)}
        train = self.encoded["train"]
        batches = self.epoch(torch.Generator().manual_seed(0), self.spec.recipe.batch_size)
        return {
            "Vocabulary": self.shapes.vocabulary,
            "Tokens per text": round(float(train.lengths.mean()), 1),
            "Texts longer than what is read": f"{train.cut / len(train.lengths):.1%}",
            "Padding": f"{train.padding(batches):.1%}",
        }


@PREDICTORS.register("text-classification")
class TextPredictor:
    """Answers for texts: {"text": ...}, or the columns of the data; {"explain": true} adds the words that mattered."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        config = read_config(folder)
        prepared = cast(dict[str, object], config["preparation"])
        self.labels = cast(list[str], prepared["labels"])
        self.columns = cast(list[str], prepared["columns"])
        self.length = int(cast(dict[str, int], config["shapes"])["length"])
        self.counted = CountedWords.load(folder) if prepared["counted"] else None
        self.tokenizer = load_tokenizer(folder) if self.length else None
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"label", "probabilities"} per text, with "words" {word, start, weight} where that is asked for."""
        texts = [self._text(row) for row in inputs]
        answers = [best_first(self.labels, row) for row in softmax(self._scores(texts), axis=1).tolist()]
        if options.get("explain"):
            for text, answer in zip(texts, answers, strict=True):
                answer["words"] = self._words(text, cast(str, answer["label"]))
        return answers

    def _words(self, text: str, label: str) -> list[dict[str, object]]:
        """By how much the log odds of the label fall without each word.

        Li et al., "Understanding neural networks through representation erasure", 2016, arXiv:1612.08220
        """
        words = split_words(text)
        scores = self._scores([text, *leave_out(text, words)])
        number = self.labels.index(label)
        odds = scores[:, number] - logsumexp(np.delete(scores, number, axis=1), axis=1)
        return [
            {"word": text[start:end], "start": start, "weight": float(odds[0] - without)}
            for (start, end), without in zip(words, odds[1:], strict=True)
        ]

    def _scores(self, texts: list[str]) -> Floats:
        scores = np.zeros((len(texts), len(self.labels)))
        if self.tokenizer is not None:
            scores += read_scores(self.model, encode_texts(self.tokenizer, texts, self.length), self.device.torch)
        if self.counted is not None:
            scores += self.counted.scores(texts)
        return scores

    def _text(self, row: dict[str, object]) -> str:
        if "text" in row and "text" not in self.columns:
            return str(row["text"] or "")
        if not any(column in row for column in self.columns):
            wanted = " or ".join(f"“{column}”" for column in dict.fromkeys(["text", *self.columns]))
            raise TrainingError("There is no text to read.", f"Give it as {wanted}.", code="no_text")
        values = [row.get(column) for column in self.columns]
        return join_values([[str(value) if value is not None else None] for value in values])[0]


@torch.no_grad()
def read_scores(model: nn.Module, encoded: Encoded, device: torch.device) -> Floats:
    """The network's raw answers (texts, classes), in the order of the texts."""
    parts: list[tuple[Ints, NDArray[np.float64]]] = [
        (indices, model(*encoded.batch(indices, device)).double().cpu().numpy())
        for indices in encoded.in_order_of_length()
    ]
    order = np.concatenate([indices for indices, _ in parts])
    scores = np.concatenate([values for _, values in parts])
    return scores[np.argsort(order)]
