"""The honest alternative to a network that reads: a linear model over counted words and groups of letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import compress
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.sparse import csr_matrix, hstack
from sklearn.preprocessing import normalize

from training.measures import Floats, Ints
from training.texts.grams import Counts, count_letters, count_words
from training.texts.tokenizers import portions

MOST_CHARACTERS = 20_000_000
"""Characters that are learnt from at most, about half a minute of one core; more texts than that are sampled."""
MOST_WEIGHTS = 20_000_000
"""Columns times outputs at most; the rarest columns go first."""
LONGEST = (2, 5)
"""Words in a row, and letters in a row, that are counted."""
FIFTHS = 5
"""Parts in which texts are put aside, to be scored by models that have not seen them."""
FILE = "counted.safetensors"


@dataclass(frozen=True)
class Weighting:
    """TF-IDF: the logarithm of each count times the rarity of what is counted, every text of length one."""

    kept: NDArray[np.int64]
    """Columns of the counts, ascending."""
    rarity: NDArray[np.float32]

    @classmethod
    def learn(cls, counts: Counts, *, least: int, most: int) -> Self:
        """Keep what stands in at least `least` texts, the commonest `most` of it."""
        kept, texts_with = _commonest(counts, least, most)
        rarity = np.log((1 + counts.shape[0]) / (1 + texts_with)) + 1
        return cls(kept, rarity.astype(np.float32))

    def apply(self, counts: Counts) -> csr_matrix:
        """Weights (texts, kept columns)."""
        weights = counts[:, self.kept].tocsr()
        weights.data = (1 + np.log(weights.data)) * self.rarity[weights.indices]
        return normalize(weights)


@dataclass(frozen=True)
class Presence:
    """Whether something stands in a text, however often; every text of length one."""

    kept: NDArray[np.int64]
    """Columns of the counts, ascending."""

    @classmethod
    def learn(cls, counts: Counts, *, most: int) -> Self:
        """Keep what stands in more than one text, the commonest `most` of it."""
        return cls(_commonest(counts, 2, most)[0])

    def apply(self, counts: Counts) -> csr_matrix:
        """Weights (texts, kept columns)."""
        if not len(self.kept):
            return csr_matrix((counts.shape[0], 0), dtype=np.float32)
        there = counts[:, self.kept].tocsr()
        there.data = np.ones_like(there.data)
        return normalize(there)


@dataclass(frozen=True)
class Weighed:
    """Texts as linear models read them."""

    rare: csr_matrix
    """TF-IDF of words and letter groups (texts, columns)."""
    there: csr_matrix
    """Which words are there (texts, columns)."""

    def some(self, chosen: NDArray[np.bool_]) -> Weighed:
        """Some of the texts."""
        return Weighed(self.rare[chosen], self.there[chosen])

    def scores(self, linear: NDArray[Any]) -> Floats:
        """What a linear map (columns of both + 1, outputs) says, whose last row is the bias: (texts, outputs)."""
        columns = self.rare.shape[1]
        return np.asarray(self.rare @ linear[:columns] + self.there @ linear[columns:-1] + linear[-1])


@dataclass(frozen=True)
class CountedWords:
    """Words and letter groups with a weight for every answer, learnt by one of the teachers in `counted_teachers`."""

    words: Weighting
    letters: Weighting
    there: Presence
    weights: NDArray[np.float32]
    """(columns of words, of letters, of words that are there and the bias, outputs)."""
    longest: tuple[int, int] = LONGEST

    def scores(self, texts: Sequence[str]) -> Floats:
        """Scores (texts, outputs): for classes, log probabilities up to a constant per text."""
        scores, done = np.empty((len(texts), self.weights.shape[1])), 0
        for some in portions(texts):
            weighed = _weigh(self.words, self.letters, self.there, *_count(some, self.longest))
            scores[done : done + len(some)] = weighed.scores(self.weights)
            done += len(some)
        return scores

    def save(self, folder: Path) -> None:
        """Write it beside the network's weights."""
        tensors: dict[str, NDArray[Any]] = {
            "words": self.words.kept,
            "words_rarity": self.words.rarity,
            "letters": self.letters.kept,
            "letters_rarity": self.letters.rarity,
            "there": self.there.kept,
            "weights": self.weights,
            "longest": np.array(self.longest),
        }
        save_file(tensors, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        of = load_file(folder / FILE)
        words, letters = Weighting(of["words"], of["words_rarity"]), Weighting(of["letters"], of["letters_rarity"])
        longest = (int(of["longest"][0]), int(of["longest"][1]))
        return cls(words, letters, Presence(of["there"]), of["weights"], longest)


@dataclass(frozen=True)
class Learnt:
    """The linear model, and what it says of its own training texts when it has not seen them."""

    model: CountedWords
    chosen: Ints
    """Which of the texts it has learnt from: all, unless they are too many."""
    unseen: Floats
    """Scores (chosen texts, outputs) by models that learnt from the others."""

    def apart(self, scores: Floats) -> Floats:
        """The model's scores (all texts, outputs), with those of the texts it has learnt from as if unseen."""
        apart = scores.copy()
        apart[self.chosen] = self.unseen
        return apart


class Teacher(Protocol):
    """One kind of answer: how linear models are fitted to it, and how several become one."""

    @property
    def outputs(self) -> int:
        """Classes, labels, or one number."""

    @property
    def asks_what_is_there(self) -> bool:
        """Whether its models also read which words are there, however often."""

    def needed(self) -> Ints:
        """Texts that must be learnt from, however many there are."""

    def folds(self, some: Ints) -> Ints:
        """Which fifth each of `some` texts belongs to, 0 to 4; -1 for texts that are not put aside."""

    def fit(self, weighed: Weighed, some: Ints) -> list[Floats]:
        """Models of `some` texts as linear maps (columns + 1, outputs), the last row being the bias."""

    def blend(self, scores: Floats, some: Ints) -> tuple[Floats, Floats]:
        """Weights (maps, outputs) and shifts (outputs,) that explain best what the maps say of unseen texts.

        `scores` are (maps, texts, outputs).
        """


def learn_counted_words(
    texts: Sequence[str], teacher: Teacher, *, fifths: int = 1, longest: tuple[int, int] = LONGEST
) -> Learnt:
    """Learn from `texts` what the teacher knows of them.

    `fifths` of the texts, 1 to 5, are scored by models that have not seen them; with 5 that is every text but those
    that the teacher does not put aside.
    """
    some = _affordable(texts, teacher.needed())
    word_counts, letter_counts = _count(_picked(texts, some), longest)
    most = MOST_WEIGHTS // (2 * teacher.outputs)
    words = Weighting.learn(word_counts, least=1, most=most)
    letters = Weighting.learn(letter_counts, least=2, most=most)
    there = Presence.learn(word_counts, most=most if teacher.asks_what_is_there else 0)
    weighed = _weigh(words, letters, there, word_counts, letter_counts)
    maps = teacher.fit(weighed, some)
    apart = np.stack([weighed.scores(linear) for linear in maps])
    fold = teacher.folds(some)
    for number in range(fifths):
        others, unseen = teacher.fit(weighed.some(fold != number), some[fold != number]), weighed.some(fold == number)
        apart[:, fold == number] = [unseen.scores(linear) for linear in others]
    seen_apart = (fold >= 0) & (fold < fifths)
    mixture, shift = teacher.blend(apart[:, seen_apart], some[seen_apart])
    matrix = np.einsum("mo,mco->co", mixture, np.stack(maps))
    matrix[-1] += shift
    model = CountedWords(words, letters, there, matrix.astype(np.float32), longest)
    return Learnt(model, some, np.einsum("mo,mno->no", mixture, apart) + shift)


def _count(texts: Sequence[str], longest: tuple[int, int]) -> tuple[Counts, Counts]:
    return count_words(texts, longest=longest[0]), count_letters(texts, longest=longest[1])


def _weigh(
    words: Weighting, letters: Weighting, there: Presence, word_counts: Counts, letter_counts: Counts
) -> Weighed:
    rare = hstack([words.apply(word_counts), letters.apply(letter_counts)], format="csr")
    return Weighed(rare, there.apply(word_counts))


def _commonest(counts: Counts, least: int, most: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The `most` commonest columns that stand in at least `least` texts, ascending, and in how many they stand."""
    texts_with = np.bincount(counts.indices, minlength=counts.shape[1])
    kept = np.flatnonzero(texts_with >= least)
    kept = np.sort(kept[np.argsort(-texts_with[kept], kind="stable")[:most]])
    return kept.astype(np.int64), texts_with[kept]


def _picked(texts: Sequence[str], some: Ints) -> list[str]:
    """These texts, in their order, by going through all of them once."""
    return list(compress(texts, np.isin(np.arange(len(texts)), some)))


def _affordable(texts: Sequence[str], needed: Ints) -> Ints:
    """As many texts as may be read, in a fixed random order, and those that are needed."""
    order = np.random.default_rng(0).permutation(len(texts))
    read = np.cumsum(np.array([len(text) for text in texts], dtype=np.int64)[order])
    some = order[: max(1, int(np.searchsorted(read, MOST_CHARACTERS, side="right")))]
    return np.unique(np.concatenate([some, needed]))
