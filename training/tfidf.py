"""The honest alternative to a network that reads: a linear model over counted words and groups of letters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, hstack
from scipy.special import log_softmax
from sklearn.naive_bayes import ComplementNB
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

from training.grams import Counts, count_letters, count_words
from training.measures import Floats, Ints

MOST_CHARACTERS = 20_000_000
"""Characters that are learnt from at most, about half a minute of one core; more texts than that are sampled."""
MOST_WEIGHTS = 20_000_000
"""Columns times classes at most; the rarest columns go first."""
LONGEST = (2, 5)
"""Words in a row, and letters in a row, that are counted."""
FIFTHS = 5
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
        texts_with = np.bincount(counts.indices, minlength=counts.shape[1])
        kept = np.flatnonzero(texts_with >= least)
        kept = np.sort(kept[np.argsort(-texts_with[kept], kind="stable")[:most]])
        rarity = np.log((1 + counts.shape[0]) / (1 + texts_with[kept])) + 1
        return cls(kept.astype(np.int64), rarity.astype(np.float32))

    def apply(self, counts: Counts) -> csr_matrix:
        """Weights (texts, kept columns)."""
        weights = counts[:, self.kept].tocsr()
        weights.data = (1 + np.log(weights.data)) * self.rarity[weights.indices]
        return normalize(weights)


@dataclass(frozen=True)
class CountedWords:
    """A support vector machine and complement naive Bayes over words and letter groups, mixed into one linear map.

    Joachims, "Text categorization with support vector machines", 1998; Rennie et al., "Tackling the poor assumptions
    of naive Bayes text classifiers", 2003; that the two help each other: Wang and Manning, "Baselines and bigrams",
    2012, https://aclanthology.org/P12-2018
    """

    words: Weighting
    letters: Weighting
    weights: NDArray[np.float32]
    """(columns of words and then of letters, classes)."""
    bias: NDArray[np.float32]
    longest: tuple[int, int] = LONGEST

    def scores(self, texts: Sequence[str]) -> Floats:
        """Log probabilities (texts, classes), up to a constant per text."""
        weighed = _weigh(self.words, self.letters, *_count(texts, self.longest))
        return np.asarray(weighed @ self.weights + self.bias, dtype=np.float64)

    def save(self, folder: Path) -> None:
        """Write it beside the network's weights."""
        tensors: dict[str, NDArray[Any]] = {
            "words": self.words.kept,
            "words_rarity": self.words.rarity,
            "letters": self.letters.kept,
            "letters_rarity": self.letters.rarity,
            "weights": self.weights,
            "bias": self.bias,
            "longest": np.array(self.longest),
        }
        save_file(tensors, folder / FILE)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what `save` wrote."""
        of = load_file(folder / FILE)
        words, letters = Weighting(of["words"], of["words_rarity"]), Weighting(of["letters"], of["letters_rarity"])
        longest = (int(of["longest"][0]), int(of["longest"][1]))
        return cls(words, letters, of["weights"], of["bias"], longest)


@dataclass(frozen=True)
class Learnt:
    """The linear model, and what it says of its own training texts when it has not seen them."""

    model: CountedWords
    chosen: Ints
    """Which of the texts it has learnt from: all, unless they are too many."""
    unseen: Floats
    """Scores (chosen texts, classes) by models that learnt from the others."""

    def apart(self, scores: Floats) -> Floats:
        """The model's scores (all texts, classes), with those of the texts it has learnt from as if unseen."""
        apart = scores.copy()
        apart[self.chosen] = self.unseen
        return apart


def learn_counted_words(
    texts: Sequence[str], truth: Ints, classes: int, *, fifths: int = 1, longest: tuple[int, int] = LONGEST
) -> Learnt:
    """Learn from `texts` and their class numbers (n,), each of `classes` at least once.

    `fifths` of the texts, 1 to 5, are scored by models that have not seen them; with 5 that is every text but those of
    classes with fewer than five examples.
    """
    some = _affordable(texts, truth, classes)
    chosen, known = [texts[index] for index in some], truth[some]
    word_counts, letter_counts = _count(chosen, longest)
    most = MOST_WEIGHTS // (2 * classes)
    words = Weighting.learn(word_counts, least=1, most=most)
    letters = Weighting.learn(letter_counts, least=2, most=most)
    weights = _weigh(words, letters, word_counts, letter_counts)
    fold = _folds(known)
    maps = _fit(weights, known)
    apart = np.stack([_scores(weights, linear) for linear in maps])
    for number in range(fifths):
        apart[:, fold == number] = [
            _scores(weights[fold == number], linear) for linear in _fit(weights[fold != number], known[fold != number])
        ]
    seen_apart = (fold >= 0) & (fold < fifths)
    mixture = _learn_mixture(apart[:, seen_apart], known[seen_apart])
    matrix = np.tensordot(mixture, np.stack(maps), axes=1)
    model = CountedWords(words, letters, matrix[:-1].astype(np.float32), matrix[-1].astype(np.float32), longest)
    return Learnt(model, some, np.tensordot(mixture, apart, axes=1))


def _count(texts: Sequence[str], longest: tuple[int, int]) -> tuple[Counts, Counts]:
    return count_words(texts, longest=longest[0]), count_letters(texts, longest=longest[1])


def _weigh(words: Weighting, letters: Weighting, word_counts: Counts, letter_counts: Counts) -> csr_matrix:
    return hstack([words.apply(word_counts), letters.apply(letter_counts)], format="csr")


def _fit(weights: csr_matrix, truth: Ints) -> tuple[Floats, Floats]:
    """Both models as linear maps (columns + 1, classes), the last row being the bias."""
    machine = LinearSVC(C=1.0, random_state=0).fit(weights, truth)
    bayes = ComplementNB(alpha=0.1).fit(weights, truth)
    margins = np.concatenate([machine.coef_.T, machine.intercept_[None]])
    if margins.shape[1] == 1:
        margins = np.concatenate([-margins, margins], axis=1)
    logs = np.concatenate([bayes.feature_log_prob_.T, np.zeros((1, len(bayes.classes_)))])
    return margins, logs


def _scores(weights: csr_matrix, linear: Floats) -> Floats:
    scores = weights @ linear[:-1] + linear[-1]
    return np.asarray(scores - scores.mean(axis=1, keepdims=True))


def _folds(truth: Ints) -> Ints:
    """Which fifth each example belongs to, each class spread evenly; -1 for classes with fewer than five examples."""
    fold = np.full(len(truth), -1)
    for number in np.unique(truth):
        of_class = np.flatnonzero(truth == number)
        if len(of_class) >= FIFTHS:
            fold[of_class] = np.arange(len(of_class)) % FIFTHS
    return fold


def _learn_mixture(scores: Floats, truth: Ints) -> Floats:
    """How much each of the two models counts: what explains texts best that neither has seen."""
    start = np.array([3.0, 0.0])
    if len(truth) < 4:
        return start

    def surprise(mixture: Floats) -> float:
        logs = log_softmax(np.tensordot(mixture, scores, axes=1), axis=1)
        return float(-logs[np.arange(len(logs)), truth].mean() + 1e-4 * (mixture**2).sum())

    return np.asarray(minimize(surprise, start, bounds=[(0.1, 50.0), (0.0, 50.0)]).x)


def _affordable(texts: Sequence[str], truth: Ints, classes: int) -> Ints:
    """As many texts as may be read, in a fixed random order, and the first of each class."""
    order = np.random.default_rng(0).permutation(len(texts))
    read = np.cumsum([len(texts[index]) for index in order])
    some = order[: max(1, int(np.searchsorted(read, MOST_CHARACTERS, side="right")))]
    first = [int(np.argmax(truth == number)) for number in range(classes)]
    return np.unique(np.concatenate([some, first]))
