"""Learning to turn one text into another: translations and summaries, from pairs."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Protocol, cast, runtime_checkable

import numpy as np
import polars as pl
import torch
from pydantic import JsonValue
from sklearn.preprocessing import normalize
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.device import Device
from training.errors import TrainingError
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample, Warning
from training.examples import PARTS, Examples, Part
from training.language.conversations import IGNORED
from training.language.stretches import thin
from training.objectives import OBJECTIVES, Guess
from training.pretrained.loading import resolve
from training.pretrained.transfer import earlier_tokenizer
from training.report import Report, Written
from training.resampling import Measure
from training.spec import TrainSpec
from training.texts.beam import Translator, search
from training.texts.columns import Chained, ColumnTexts
from training.texts.grams import count_words
from training.texts.pairs import Pairs, encode_pairs
from training.texts.reading import BringsVocabulary
from training.texts.tokenizers import build_byte_pairs, load_tokenizer
from training.texts.words import WORD
from training.texts.written import closeness, read_text, summary_scores, translation_scores

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

WATCHED, TRIED, JUDGED = 1_000, 60, 2_000
"""Pairs whose loss a look at held-out data reads, those it also translates, and those the report is made of."""
AT_ONCE = 64
"""Texts that are written side by side."""
REMEMBERED = 100_000
"""Pairs among which the baseline looks for the most alike text."""
MOST_CUT = 0.1
SHOWN = 2


@runtime_checkable
class Instructs(Protocol):
    """Settings of a network that wants words before every source."""

    prefix: str


@runtime_checkable
class LearnsPieces(Protocol):
    """Settings of a network that learns its pieces of words from the pairs."""

    vocabulary_size: int


class Paired(ABC):
    """What translating and summarising share: cross-entropy of each token written, given the source and those before.

    A subclass says by which measures texts are compared, and what an honest answer without learning is.
    """

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        settings = spec.network()
        self.prefix = settings.prefix if isinstance(settings, Instructs) else ""
        self.length = int(settings.length)  # type: ignore[attr-defined]  # every network for pairs has it
        self.sources = {part: _texts(examples, spec.column("source"), part) for part in PARTS}
        self.truth = {part: _texts(examples, spec.column("target"), part) for part in PARTS}
        if not any(self.sources["train"]) or not any(self.truth["train"]):
            raise TrainingError("One side of all pairs is empty.", "Choose another column.", code="empty_texts")
        model_folder.mkdir(parents=True, exist_ok=True)
        self.tokenizer = _tokenizer(spec, Chained([self.sources["train"], self.truth["train"]]))
        self.tokenizer.save_pretrained(model_folder)
        self.folder = model_folder.parent
        train, test = self._encode("train"), self._encode("test")
        watched = test if examples.rows["val"] is examples.rows["test"] else self._encode("val")
        self.pairs: dict[Part, Pairs] = {"train": train, "val": watched, "test": test}
        size = len(self.tokenizer)
        self.shapes = Shapes(
            outputs=size, vocabulary=size, length=self.length + 1, padding_id=int(self.tokenizer.eos_token_id or 0)
        )

    @abstractmethod
    def measures(self, written: Sequence[str], truth: Sequence[str]) -> dict[str, Measure]:
        """The task's measures of texts against those of people."""

    @abstractmethod
    def unlearnt(self, sources: Sequence[str]) -> Guess:
        """What comes out without any learning."""

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.pairs["train"].epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        return self._loss(model, "train", indices, smoothing=self.spec.recipe.label_smoothing)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        loss = self._mean_loss(model, part)
        tried = self._thinned(part, TRIED)
        written, _ = self._write(model, part, tried, beams=1)
        headline = self.spec.kind().headline().key
        score = self.measures(written, self._true(part, tried))[headline](np.ones((1, len(tried))))
        return {"loss": loss, "perplexity": math.exp(min(loss, 100.0)), headline: float(score[0])}

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        shown = self._thinned("test", SHOWN)
        written, _ = self._write(model, "test", shown, beams=1)
        for at, text in zip(shown.tolist(), written, strict=True):
            yield Sample(step=step, prompt=self.sources["test"][at], text=text)

    def baselines(self) -> list[Guess]:
        sources = [self.sources["test"][at] for at in self._thinned("test", JUDGED).tolist()]
        remembered = "Takes the answer of the pair to learn from whose source is most alike, word for word."
        return [
            self.unlearnt(sources),
            Guess("memory", "The most alike pair", remembered, texts=self._most_alike(sources)),
        ]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        judged = self._thinned("test", JUDGED)
        truth = self._true("test", judged)
        written, confidence = self._write(model, "test", judged, beams=4)
        rows = self.examples.rows["test"][judged.numpy()]
        predictions = pl.DataFrame(
            {
                "id": self.examples.ids[rows],
                "row": rows,
                "truth": truth,
                "prediction": written,
                "confidence": confidence.numpy(),
                "loss": 1 - closeness(written, truth),
            }
        )
        rivals = {guess.key: self.measures(guess.texts, truth) for guess in guesses}
        report = judge_measures(self.spec.kind(), self.measures(written, truth), rivals, guesses, len(truth))
        samples = [Written(step=0, prompt=s.prompt, text=s.text) for s in self.samples(model, 0)]
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        update = {"hardest": hardest, "samples": samples, "facts": self._facts()}
        return report.model_copy(update=update), predictions

    def preparation(self) -> dict[str, object]:
        return {"column": self.spec.column("source"), "prefix": self.prefix}

    def warnings(self) -> list[Warning]:
        """Say so if many texts are longer than what is read or written."""
        train = self.pairs["train"]
        share = max(train.source.cut, train.target.cut) / len(train.source.lengths)
        if share < MOST_CUT:
            return []
        message = f"{share:.0%} of the texts are longer than the {self.length} tokens that are read or written."
        return [Warning(message=message, hint="Raise “Longest text” if their ends matter.")]

    def _encode(self, part: Part) -> Pairs:
        sources = _texts(self.examples, self.spec.column("source"), part, before=self.prefix)
        return encode_pairs(self.tokenizer, sources, self.truth[part], self.length, self.folder)

    def _loss(
        self, model: nn.Module, part: Part, indices: Tensor, *, smoothing: float = 0.0, mean: bool = True
    ) -> Tensor:
        batch = self.pairs[part].batch(indices, self.device.torch)
        scores = model(batch.source, batch.mask, batch.inputs(cast(Translator, model).start))
        return F.cross_entropy(
            scores.flatten(0, 1),
            batch.targets.flatten(),
            ignore_index=IGNORED,
            label_smoothing=smoothing,
            reduction="mean" if mean else "sum",
        )

    def _mean_loss(self, model: nn.Module, part: Part) -> float:
        """Nats per token over one part, or over a thousand pairs of it."""
        watched = self._thinned(part, WATCHED)
        pairs = self.pairs[part]
        nats = sum(float(self._loss(model, part, some, mean=False)) for some in pairs.alike(watched, AT_ONCE))
        return nats / float(pairs.target.lengths[watched.numpy()].sum())

    def _write(self, model: nn.Module, part: Part, indices: Tensor, *, beams: int) -> tuple[list[str], Tensor]:
        """What the model writes for these pairs, in their order, and how sure it is."""
        texts, confidence = [""] * len(indices), torch.zeros(len(indices))
        places = {int(at): place for place, at in enumerate(indices.tolist())}
        for some in self.pairs[part].alike(indices, AT_ONCE):
            batch = self.pairs[part].batch(some, self.device.torch)
            most = min(self.length, 16 + 2 * batch.source.shape[1])
            found = search(
                cast(Translator, model),
                batch.source,
                batch.mask,
                end=int(self.tokenizer.eos_token_id or 0),
                most=most,
                beams=beams,
            )
            for at, ids, sure in zip(some.tolist(), found.ids, found.confidence, strict=True):
                texts[places[at]] = read_text(self.tokenizer, ids)
                confidence[places[at]] = sure
        return texts, confidence

    def _thinned(self, part: Part, most: int) -> Tensor:
        """All pairs of a part, or so many of them, evenly spaced."""
        return thin(torch.arange(len(self.truth[part])), most)

    def _true(self, part: Part, indices: Tensor) -> list[str]:
        return [self.truth[part][at] for at in indices.tolist()]

    def _most_alike(self, sources: list[str]) -> list[str]:
        """For each source the answer of the most alike one, by the angle between rare words that are shared."""
        known, answers = self.sources["train"][:REMEMBERED], self.truth["train"][:REMEMBERED]
        counts = count_words([*known, *sources], longest=2, bits=18).tocsc()
        rare = np.log(counts.shape[0] / np.maximum(1, np.diff(counts.indptr)))
        weighted = normalize(counts.multiply(rare).tocsr())
        best = np.concatenate(
            [
                np.asarray((weighted[start : start + AT_ONCE] @ weighted[: len(known)].T).argmax(axis=1)).ravel()
                for start in range(len(known), counts.shape[0], AT_ONCE)
            ]
        )
        return [answers[at] for at in best]

    def _facts(self) -> dict[str, JsonValue]:
        train = self.pairs["train"]
        return {
            "Vocabulary": len(self.tokenizer),
            "Tokens per source": round(float(train.source.lengths.mean()), 1),
            "Tokens per target": round(float(train.target.lengths.mean()), 1),
        }


@OBJECTIVES.register("translation")
class Translations(Paired):
    """Judged by BLEU and chrF."""

    def measures(self, written: Sequence[str], truth: Sequence[str]) -> dict[str, Measure]:
        return translation_scores(written, truth)

    def unlearnt(self, sources: Sequence[str]) -> Guess:
        about = "Leaves the text as it is; names and numbers are right even so."
        return Guess("copy", "Copying the source", about, texts=list(sources))


@OBJECTIVES.register("summarization")
class Summaries(Paired):
    """Judged by ROUGE."""

    def measures(self, written: Sequence[str], truth: Sequence[str]) -> dict[str, Measure]:
        return summary_scores(written, truth)

    def unlearnt(self, sources: Sequence[str]) -> Guess:
        """The beginnings of the sources, as long as summaries usually are."""
        words = round(float(np.median([len(WORD.findall(text)) for text in self.truth["train"]])))
        about = f"Takes the first {words} words: news and reports often begin with what matters."
        return Guess("lead", "The first words", about, texts=[_first_words(text, words) for text in sources])


def _first_words(text: str, count: int) -> str:
    ends = [found.end() for found in islice(WORD.finditer(text), count)]
    return text[: ends[-1]] if ends else ""


def _texts(examples: Examples, column: str, part: Part, *, before: str = "") -> ColumnTexts:
    return ColumnTexts(examples.column(column, part).to_frame(), [column], trim=True, before=before)


def _tokenizer(spec: TrainSpec, texts: Collection[str]) -> PreTrainedTokenizerFast:
    if (earlier := earlier_tokenizer(spec)) is not None:
        return earlier
    settings: object = spec.network()
    if isinstance(settings, BringsVocabulary):
        return load_tokenizer(resolve(settings.source))
    assert isinstance(settings, LearnsPieces), f"{spec.architecture} does not say what it reads"
    return build_byte_pairs(texts, settings.vocabulary_size)
