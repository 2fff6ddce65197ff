"""Texts that are read as a whole: cut into tokens once, joined with counted words, and asked again without a word."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor, nn

from training.architectures import Rounds, Shapes
from training.device import Device
from training.errors import TrainingError
from training.events import Sample, Warning
from training.examples import PARTS, Examples, Part
from training.measures import Floats, Ints
from training.model_folder import load_network, read_config
from training.objectives import Guess
from training.spec import TrainSpec
from training.texts.columns import ColumnTexts, join_values
from training.texts.reading import CountsWords, Encoded, Reads, encode_texts, tokenizer_for
from training.texts.tfidf import FIFTHS, LONGEST, CountedWords, Learnt, Teacher, learn_counted_words
from training.texts.tokenizers import load_tokenizer
from training.texts.words import leave_out, split_words

T = TypeVar("T")

MOST_CUT = 0.1
"""Share of texts longer than what is read from which on the person is told."""


class WholeTexts(ABC):
    """What all tasks with one answer for a text share; how right an answer is, is for the task to say.

    A network that builds on counted words learns with what a linear model, which has not seen the text, says of it.
    """

    def __init__(
        self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path, teacher: Teacher
    ) -> None:
        self.spec, self.examples, self.device, self.teacher = spec, examples, device, teacher
        self.settings = cast(Reads, spec.network())
        self.texts = {part: ColumnTexts(examples.frame[examples.rows[part]], spec.roles["text"]) for part in PARTS}
        if not any(text.strip() for text in self.texts["train"]):
            raise TrainingError("All texts are empty.", "Choose another column to read.", code="empty_texts")
        model_folder.mkdir(parents=True, exist_ok=True)
        self.model_folder = model_folder
        self.shapes = Shapes(outputs=teacher.outputs)
        self.encoded: dict[Part, Encoded] = {}
        self.linear: Learnt | None = None
        if self.settings.length:
            self._cut_into_tokens()
            if self.settings.counted:
                linear = self._learn_linear(fifths=FIFTHS)
                self._build_on(linear)
                self.apart = torch.from_numpy(linear.apart(self.counted["train"])).float()

    @abstractmethod
    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        """Loss and a few measures over one part."""

    def count_words(self, model: nn.Module) -> Rounds:
        """The one round of a model that only counts: learn it, and tell the losses."""
        longest = cast(CountsWords, self.settings)
        self._build_on(self._learn_linear(fifths=1, longest=(longest.words, longest.letters)))
        losses = {"train/loss": self.evaluate(model, "train")["loss"]}
        yield losses | {f"val/{name}": value for name, value in self.evaluate(model, "val").items()}

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.encoded["train"].epoch(generator, batch_size)

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        return iter(())

    def warnings(self) -> list[Warning]:
        """Say so if many texts are longer than what is read."""
        if not self.encoded:
            return []
        share = self.encoded["train"].cut / len(self.texts["train"])
        if share < MOST_CUT:
            return []
        message = f"{share:.0%} of the texts are longer than the {self.settings.length} tokens that are read."
        return [Warning(message=message, hint="Raise “Longest text” if their ends matter.")]

    def batch_scores(self, model: nn.Module, indices: Tensor) -> Tensor:
        """Scores (B, outputs) of some texts of the train part, to learn from."""
        scores: Tensor = model(*self.encoded["train"].batch(indices.numpy(), self.device.torch)).float()
        return scores if self.linear is None else scores + self.apart[indices].to(scores.device)

    def scores(self, model: nn.Module, part: Part) -> Floats:
        """Scores (texts, outputs) of one part, to judge by."""
        if not self.encoded:
            return self.counted[part]
        scores = read_scores(model, self.encoded[part], self.device.torch)
        return scores if self.linear is None else scores + self.counted[part]

    def linear_guess(self, answers: Callable[[Floats], Floats]) -> list[Guess]:
        """What a linear model over counted words says of the test texts; none if the run is that model.

        `answers` makes of scores (texts, outputs) what the task judges.
        """
        if not self.encoded:
            return []
        linear = self.linear or self._learn_linear(fifths=1)
        about = "Counts words, pairs of words and groups of letters, and gives each a weight: fast, and hard to beat."
        if len(linear.chosen) < len(self.texts["train"]):
            about += f" Learnt from {len(linear.chosen):,} of the {len(self.texts['train']):,} texts, to save time."
        scores = self.counted["test"] if self.linear else linear.model.scores(self.texts["test"])
        return [Guess("tfidf", "Weighted words (TF-IDF, linear)", about, answers(scores))]

    def prepared(self) -> dict[str, object]:
        """What reading needs when the model answers."""
        return {"columns": self.spec.roles["text"], "counted": self.settings.counted}

    def facts(self) -> dict[str, JsonValue]:
        """Figures of the report: what was read, or what was counted."""
        if not self.encoded:
            assert self.linear is not None
            return {"Words and letter groups with a weight": len(self.linear.model.weights) - 1}
        train = self.encoded["train"]
        batches = self.epoch(torch.Generator().manual_seed(0), self.spec.recipe.batch_size)
        return {
            "Vocabulary": self.shapes.vocabulary,
            "Tokens per text": round(float(train.lengths.mean()), 1),
            "Texts longer than what is read": f"{train.cut / len(train.lengths):.1%}",
            "Padding": f"{train.padding(batches):.1%}",
        }

    def _cut_into_tokens(self) -> None:
        tokenizer = tokenizer_for(self.spec, self.texts["train"])
        tokenizer.save_pretrained(self.model_folder)
        length = self.settings.length
        self.shapes = replace(self.shapes, vocabulary=len(tokenizer), length=length)
        self.encoded = self._each(lambda texts: encode_texts(tokenizer, texts, length, self.model_folder.parent))

    def _build_on(self, linear: Learnt) -> None:
        """Add what a linear model over counted words says to whatever the network says."""
        self.linear = linear
        linear.model.save(self.model_folder)
        self.counted = self._each(linear.model.scores)

    def _each(self, work: Callable[[Sequence[str]], T]) -> dict[Part, T]:
        """What `work` makes of the texts of every part; once only where two parts are the same."""
        train, test = work(self.texts["train"]), work(self.texts["test"])
        same = self.examples.rows["val"] is self.examples.rows["test"]
        return {"train": train, "val": test if same else work(self.texts["val"]), "test": test}

    def _learn_linear(self, *, fifths: int, longest: tuple[int, int] = LONGEST) -> Learnt:
        return learn_counted_words(self.texts["train"], self.teacher, fifths=fifths, longest=longest)


class TextReader:
    """A finished model that reads whole texts: {"text": ...}, or the columns of the data."""

    def __init__(self, folder: Path, device: Device) -> None:
        config = read_config(folder)
        self.prepared = cast(dict[str, object], config["preparation"])
        self.columns = cast(list[str], self.prepared["columns"])
        shapes = cast(dict[str, int], config["shapes"])
        self.length, self.outputs = int(shapes["length"]), int(shapes["outputs"])
        self.counted = CountedWords.load(folder) if self.prepared["counted"] else None
        self.tokenizer = load_tokenizer(folder) if self.length else None
        self.model = load_network(folder).to(device.torch)
        self.device = device

    def scores(self, texts: Sequence[str]) -> Floats:
        """Scores (texts, outputs)."""
        scores = np.zeros((len(texts), self.outputs))
        if self.tokenizer is not None:
            scores += read_scores(self.model, encode_texts(self.tokenizer, texts, self.length), self.device.torch)
        if self.counted is not None:
            scores += self.counted.scores(texts)
        return scores

    def words_that_mattered(self, text: str, strength: Callable[[Floats], Floats]) -> list[dict[str, object]]:
        """By how much the answer weakens without each word: {word, start, weight}.

        `strength` says of scores (texts, outputs) how much they speak for that answer: (texts,).
        Li et al., "Understanding neural networks through representation erasure", 2016, arXiv:1612.08220
        """
        words = split_words(text)
        with_all, *without = strength(self.scores([text, *leave_out(text, words)])).tolist()
        return [
            {"word": text[start:end], "start": start, "weight": with_all - left}
            for (start, end), left in zip(words, without, strict=True)
        ]

    def text(self, row: dict[str, object]) -> str:
        """The text of one input; raises TrainingError if there is none."""
        if "text" in row and "text" not in self.columns:
            return str(row["text"] or "")
        if not any(column in row for column in self.columns):
            wanted = " or ".join(f"“{column}”" for column in dict.fromkeys(["text", *self.columns]))
            raise TrainingError("There is no text to read.", f"Give it as {wanted}.", code="no_text")
        values = [row.get(column) for column in self.columns]
        return join_values([[str(value) if value is not None else None] for value in values])[0]


@torch.no_grad()
def read_scores(model: nn.Module, encoded: Encoded, device: torch.device) -> Floats:
    """The network's raw answers (texts, outputs), in the order of the texts."""
    parts: list[tuple[Ints, NDArray[np.float64]]] = [
        (indices, model(*encoded.batch(indices, device)).double().cpu().numpy())
        for indices in encoded.in_order_of_length()
    ]
    order = np.concatenate([indices for indices, _ in parts])
    scores = np.concatenate([values for _, values in parts])
    return scores[np.argsort(order)]
