"""Learning a place for every word among the others, from the company that it keeps."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, Protocol, cast

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from pydantic import JsonValue
from torch import Tensor, nn

from training.architectures import Shapes
from training.architectures.glove import GloVeSettings
from training.architectures.word2vec import Word2VecSettings
from training.device import Device
from training.errors import TrainingError
from training.evaluate import hardest_examples, judge_measures
from training.events import Sample
from training.examples import PARTS, Examples, Part
from training.measures import loss_of_leads, share_right
from training.models.word_vectors import GloVe, Word2Vec, WordVectors
from training.objectives import OBJECTIVES, Guess
from training.pretrained.transfer import earlier_tokenizer
from training.report import Report, Written
from training.resampling import Measure
from training.spec import TrainSpec
from training.texts.company import (
    HeldOut,
    Words,
    count_meetings,
    counted_vectors,
    held_out_pairs,
    read_words,
    staying,
    wrong_words,
)
from training.texts.tokenizers import build_words
from training.texts.vector_space import Space

MOST_PAIRS = 20_000
"""Held-out pairs that are judged."""
LEAST_WORDS = 100
SHOWN = (60, 120, 240)
"""Words whose neighbours are told while learning, by how common they are."""


class Source(Protocol):
    """What one kind of network learns from."""

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        """Index batches that cover it once."""

    def loss(self, model: nn.Module, indices: Tensor) -> Tensor:
        """Mean loss of one batch."""


class Windows:
    """Words with those around them, in windows of random size, against random words."""

    def __init__(self, words: Words, settings: Word2VecSettings, vocabulary: int, device: torch.device) -> None:
        self.all, self.settings, self.device = words, settings, device
        self.chances = staying(words, vocabulary, settings.keep)
        self.wrong = wrong_words(words, vocabulary)
        self.words = words

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        self.words = self.all.kept(self.chances, generator)
        return list(torch.randperm(len(self.words.ids), generator=generator).split(batch_size))

    def loss(self, model: nn.Module, indices: Tensor) -> Tensor:
        window = self.settings.window
        around = self.words.around(indices, window, torch.randint(1, window + 1, indices.shape))
        drawn = self.wrong[torch.randint(len(self.wrong), (len(indices), self.settings.negatives))]
        loss: Tensor = cast(Word2Vec, model)(around.to(self.device), drawn.to(self.device))
        return loss


class Meetings:
    """Counts of which words met, each cell of the table once an epoch."""

    def __init__(self, words: Words, settings: GloVeSettings, vocabulary: int, device: torch.device) -> None:
        cells = count_meetings(words, settings.window, vocabulary, by_distance=True).tocoo()
        self.rows, self.columns, self.counts = (
            torch.from_numpy(values).to(device)
            for values in (cells.row.astype(np.int64), cells.col.astype(np.int64), cells.data.astype(np.float32))
        )

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return list(torch.randperm(len(self.counts), generator=generator).split(batch_size))

    def loss(self, model: nn.Module, indices: Tensor) -> Tensor:
        loss: Tensor = cast(GloVe, model)(self.rows[indices], self.columns[indices], self.counts[indices])
        return loss


@OBJECTIVES.register("word-embeddings")
class WordPlaces:
    """Judged by telling real company in unseen text from random words, by the products of vectors alone."""

    key: ClassVar[str]

    def __init__(self, spec: TrainSpec, examples: Examples, device: Device, model_folder: Path) -> None:
        self.spec, self.examples, self.device = spec, examples, device
        settings = spec.network()
        assert isinstance(settings, Word2VecSettings | GloVeSettings), f"{spec.architecture} does not say what it reads"
        self.window, self.width = settings.window, settings.width
        column = spec.column("text")
        texts = {part: examples.column(column, part).cast(pl.String).fill_null("").to_list() for part in PARTS}
        model_folder.mkdir(parents=True, exist_ok=True)
        learnt = build_words(texts["train"], settings.vocabulary_size, least=settings.rarest)
        self.tokenizer = earlier_tokenizer(spec) or learnt
        self.tokenizer.save_pretrained(model_folder)
        self.words = {part: read_words(self.tokenizer, texts[part]) for part in PARTS}
        self._check()
        self.vocabulary = len(self.tokenizer)
        self.shapes = Shapes(outputs=self.vocabulary, vocabulary=self.vocabulary)
        self.pairs = {part: held_out_pairs(self.words[part], self.window, MOST_PAIRS) for part in PARTS}
        self.source = self._source(settings)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        return self.source.epoch(generator, batch_size)

    def loss(self, model: nn.Module, indices: Tensor, epoch: int) -> Tensor:
        return self.source.loss(model, indices)

    def evaluate(self, model: nn.Module, part: Part) -> dict[str, float]:
        every = np.ones((1, len(self.pairs[part].words)))
        measures = pair_measures(self._leads(cast(WordVectors, model), part))
        return {("loss" if name == "pair_loss" else name): float(m(every)[0]) for name, m in measures.items()}

    def samples(self, model: nn.Module, step: int) -> Iterator[Sample]:
        space = Space.of(cast(WordVectors, model), self.tokenizer)
        for rank in SHOWN:
            if rank < len(space.words):
                word = space.words[rank]
                near = [str(found["word"]) for found in space.neighbours(word, 5)]
                yield Sample(step=step, prompt=word, text=": " + ", ".join(near))

    def baselines(self) -> list[Guess]:
        meetings = count_meetings(self.words["train"], self.window, self.vocabulary, by_distance=False)
        words, company = counted_vectors(meetings, self.width)
        held = self.pairs["test"]
        of_words = words[held.words.numpy()]
        leads = (of_words * (company[held.beside.numpy()] - company[held.random.numpy()])).sum(1)
        counted = "Counts who met whom and squeezes the table into as many numbers per word (PMI and SVD), unlearnt."
        common = "Does not look at the word at all: both candidates are as likely."
        return [
            Guess("guess", "Guessing", common, np.zeros(len(leads))),
            Guess("counted", "Counted vectors (SVD)", counted, leads),
        ]

    def judge(self, model: nn.Module, guesses: list[Guess]) -> tuple[Report, pl.DataFrame]:
        held = self.pairs["test"]
        leads = self._leads(cast(WordVectors, model), "test")
        predictions = self._predictions(held, leads)
        rivals = {guess.key: pair_measures(guess.answers) for guess in guesses}
        report = judge_measures(self.spec.kind(), pair_measures(leads), rivals, guesses, len(leads))
        facts: dict[str, JsonValue] = {
            "Different words": int(self.words["train"].ids.unique().numel()),
            "Words read": len(self.words["train"].ids),
            "Pairs judged": len(leads),
        }
        samples = [Written(step=0, prompt=s.prompt, text=s.text) for s in self.samples(model, 0)]
        hardest = hardest_examples(predictions.sort("loss", descending=True))
        return report.model_copy(update={"hardest": hardest, "samples": samples, "facts": facts}), predictions

    def preparation(self) -> dict[str, object]:
        return {"column": self.spec.column("text")}

    def _check(self) -> None:
        least = min(len(self.words["train"].ids), len(self.words["test"].ids) * 5)
        if least < LEAST_WORDS:
            raise TrainingError(
                f"There are too few words: {len(self.words['train'].ids):,} to learn from, "
                f"{len(self.words['test'].ids):,} held out.",
                "Bring more text, or keep rarer words.",
                code="too_little_text",
            )

    def _source(self, settings: Word2VecSettings | GloVeSettings) -> Source:
        words, device = self.words["train"], self.device.torch
        if isinstance(settings, GloVeSettings):
            return Meetings(words, settings, self.vocabulary, device)
        return Windows(words, settings, self.vocabulary, device)

    @torch.no_grad()
    def _leads(self, model: WordVectors, part: Part) -> NDArray[np.float64]:
        """By how much the real company of each pair fits better than the random word, (n,)."""
        held, device = self.pairs[part], self.device.torch
        words = held.words.to(device)
        lead = model.affinity(words, held.beside.to(device)) - model.affinity(words, held.random.to(device))
        return lead.double().cpu().numpy()

    def _predictions(self, held: HeldOut, leads: NDArray[np.float64]) -> pl.DataFrame:
        names = np.array(self.tokenizer.convert_ids_to_tokens(list(range(self.vocabulary))), dtype=object)
        beside, random = names[held.beside.numpy()], names[held.random.numpy()]
        texts = self.words["test"].texts.numpy()[held.places]
        losses = np.logaddexp(0, -leads)
        return pl.DataFrame(
            {
                "id": held.places,
                "row": self.examples.rows["test"][texts],
                "truth": (names[held.words.numpy()] + " · " + beside).tolist(),
                "prediction": np.where(leads > 0, beside, random).tolist(),
                "confidence": 1 / (1 + np.exp(-np.abs(leads))),
                "loss": losses,
                "correct": leads > 0,
            }
        )


def pair_measures(leads: NDArray[np.float64]) -> dict[str, Measure]:
    """Share of pairs whose real company leads, and the loss of saying so."""
    return {"company": share_right(leads), "pair_loss": loss_of_leads(leads)}
