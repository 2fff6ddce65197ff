"""What linear models over counted words can be taught: one class, several labels, or a number."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags
from scipy.special import log_softmax
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.svm import LinearSVC

from training.measures import Floats, Ints
from training.texts.tfidf import FIFTHS, Weighed

SURE = 3.0
"""By what margins are multiplied where too little is unseen to tell."""
RARE, THERE = 0.1, 1.0
"""What is added to every count, so that what never stands in a class does not decide alone: of the second machine, and
of the third."""
RARE_STRICTNESS, THERE_STRICTNESS = 0.1, 3.0
"""How strictly these machines keep to their texts (C); the columns of the second are several times larger."""
HELD_BACK = (0.5, 2.0, 8.0)
"""Strengths of the ridge penalty that are tried; rows have the length √2."""


@dataclass(frozen=True)
class Classes:
    """Three support vector machines, mixed by what explains unseen texts best.

    One reads the weights as they are: Joachims, "Text categorization with support vector machines", 1998. The second
    reads each multiplied by how much its presence speaks for the class, as naive Bayes has it: Wang and Manning,
    "Baselines and bigrams", 2012, https://aclanthology.org/P12-2018. The third does so with words that are there or
    not, however often, which is best for opinions in long texts.
    """

    truth: Ints
    """Class numbers (texts,), each of `outputs` at least once."""
    outputs: int
    asks_what_is_there: ClassVar[bool] = True

    def needed(self) -> Ints:
        """The first text of each class."""
        return np.array([int(np.argmax(self.truth == number)) for number in range(self.outputs)])

    def folds(self, some: Ints) -> Ints:
        """Each class spread evenly; -1 for classes with fewer than five examples."""
        truth = self.truth[some]
        fold = np.full(len(truth), -1)
        for number in np.unique(truth):
            of_class = np.flatnonzero(truth == number)
            if len(of_class) >= FIFTHS:
                fold[of_class] = np.arange(len(of_class)) % FIFTHS
        return fold

    def fit(self, weighed: Weighed, some: Ints) -> list[Floats]:
        """The machines, each with a mean of zero over the classes."""
        truth, classes = self.truth[some], range(self.outputs) if self.outputs > 2 else (1,)
        labels = [truth == number for number in classes]
        rare, there = weighed.rare, weighed.there
        plain = [_beside(_machine(rare, label), after=there.shape[1]) for label in labels]
        told = [_beside(_told_machine(rare, label, RARE, RARE_STRICTNESS), after=there.shape[1]) for label in labels]
        seen = [_beside(_told_machine(there, label, THERE, THERE_STRICTNESS), before=rare.shape[1]) for label in labels]
        return [_around_zero(np.stack(maps, axis=1)) for maps in (plain, told, seen)]

    def blend(self, scores: Floats, some: Ints) -> tuple[Floats, Floats]:
        """How much each of the machines counts, for all classes alike."""
        truth, start = self.truth[some], np.array([SURE, 0.0, 0.0])

        def surprise(mixture: Floats) -> float:
            logs = log_softmax(np.tensordot(mixture, scores, axes=1), axis=1)
            return float(-logs[np.arange(len(logs)), truth].mean() + 1e-4 * (mixture**2).sum())

        enough = len(truth) >= 4
        mixture = minimize(surprise, start, bounds=[(0.1, 50.0), (0.0, 50.0), (0.0, 50.0)]).x if enough else start
        return np.repeat(mixture[:, None], self.outputs, axis=1), np.zeros(self.outputs)


@dataclass(frozen=True)
class Labels:
    """A support vector machine for each label against all else, whose margins become log odds.

    Platt, "Probabilistic outputs for support vector machines", 1999
    """

    truth: Floats
    """1 where a text has a label, else 0: (texts, labels)."""
    asks_what_is_there: ClassVar[bool] = False

    @property
    def outputs(self) -> int:
        """How many labels there are."""
        return int(self.truth.shape[1])

    def needed(self) -> Ints:
        """The first text with each label."""
        return np.asarray(self.truth.argmax(axis=0))

    def folds(self, some: Ints) -> Ints:
        """In turn."""
        return np.arange(len(some)) % FIFTHS

    def fit(self, weighed: Weighed, some: Ints) -> list[Floats]:
        """One map with a column for each label."""
        return [np.stack([_machine(weighed.rare, label) for label in self.truth[some].T], axis=1)]

    def blend(self, scores: Floats, some: Ints) -> tuple[Floats, Floats]:
        """Platt's slope and shift for each label."""
        found = [_odds(margins, label) for margins, label in zip(scores[0].T, self.truth[some].T, strict=True)]
        slopes, shifts = np.array(found).T
        return slopes[None], shifts


@dataclass(frozen=True)
class Values:
    """Ridge regression; how strongly it is held back is chosen on texts that it has not seen.

    Hoerl and Kennard, "Ridge regression: biased estimation for nonorthogonal problems", 1970
    """

    truth: Floats
    """The numbers (texts,), standardised."""
    outputs: int = 1
    asks_what_is_there: ClassVar[bool] = False

    def needed(self) -> Ints:
        """None more than others."""
        return np.empty(0, np.int64)

    def folds(self, some: Ints) -> Ints:
        """In turn."""
        return np.arange(len(some)) % FIFTHS

    def fit(self, weighed: Weighed, some: Ints) -> list[Floats]:
        """One map for each strength."""
        models = [Ridge(alpha=alpha, solver="sparse_cg").fit(weighed.rare, self.truth[some]) for alpha in HELD_BACK]
        return [np.append(model.coef_, model.intercept_)[:, None] for model in models]

    def blend(self, scores: Floats, some: Ints) -> tuple[Floats, Floats]:
        """All for the one with the smallest error."""
        errors = ((scores[:, :, 0] - self.truth[some]) ** 2).mean(axis=1)
        return np.eye(len(HELD_BACK))[:, [int(errors.argmin())]], np.zeros(1)


def _machine(weights: csr_matrix, label: NDArray[Any], strictness: float = 1.0) -> Floats:
    """Weights and bias (columns + 1,) that tell texts with a label from those without; all bias if none differ."""
    if label.min() == label.max():
        return np.append(np.zeros(weights.shape[1]), 2.0 * label[0] - 1)
    machine = LinearSVC(C=strictness, random_state=0).fit(weights, label)
    return np.append(machine.coef_[0], machine.intercept_[0])


def _told_machine(weights: csr_matrix, label: NDArray[np.bool_], added: float, strictness: float) -> Floats:
    """The same on columns multiplied by the logarithm of how much oftener they stand in texts with the label."""
    there = csr_matrix((np.ones(weights.nnz), weights.indices, weights.indptr), shape=weights.shape)
    ratios = _log_shares(there, label, added) - _log_shares(there, ~label, added)
    linear = _machine(weights @ diags(ratios), label, strictness)
    return np.append(linear[:-1] * ratios, linear[-1])


def _log_shares(there: csr_matrix, chosen: NDArray[np.bool_], added: float) -> Floats:
    """Logarithm of each column's share of all that stands in the chosen texts: (columns,)."""
    counts = chosen.astype(np.float64) @ there + added
    return np.asarray(np.log(counts / counts.sum()))


def _beside(linear: Floats, *, before: int = 0, after: int = 0) -> Floats:
    """The same map among columns that it does not read."""
    return np.concatenate([np.zeros(before), linear[:-1], np.zeros(after), linear[-1:]])


def _around_zero(linear: Floats) -> Floats:
    """Maps (columns + 1, classes) with a mean of zero; the one of two classes that is known says both."""
    both = np.concatenate([-linear, linear], axis=1) if linear.shape[1] == 1 else linear
    return np.asarray(both - both.mean(axis=1, keepdims=True))


def _odds(margins: Floats, label: Floats) -> Sequence[float]:
    """Slope and shift that make log odds of margins (texts,)."""
    if label.min() == label.max():
        return SURE, 0.0
    line = LogisticRegression(C=100.0).fit(margins[:, None], label)
    return float(line.coef_[0, 0]), float(line.intercept_[0])
