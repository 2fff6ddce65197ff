"""Words as places: which are near, sums and differences of them, and a map."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError
from training.texts.company import are_words

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from training.models.word_vectors import WordVectors

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Space:
    """Words, the commonest first, with vectors of length 1 around the middle of them all."""

    words: list[str]
    vectors: Floats
    """(words, width)."""

    @classmethod
    def of(cls, model: WordVectors, tokenizer: PreTrainedTokenizerFast) -> Space:
        """The vectors that a network has learnt."""
        kept = np.flatnonzero(are_words(tokenizer))  # the tokenizer numbers common words first
        vectors = model.words.weight.detach().double().cpu().numpy()[kept]
        vectors = vectors - vectors.mean(axis=0)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        names = tokenizer.convert_ids_to_tokens(kept.tolist())
        return cls(list(names), vectors / np.maximum(lengths, 1e-12))

    @cached_property
    def numbers(self) -> dict[str, int]:
        """The place of each word in the list."""
        return {word: number for number, word in enumerate(self.words)}

    def find(self, word: str) -> Floats:
        """The vector of a word, whatever its case. Raises TrainingError for one that was not learnt."""
        number = self.numbers.get(word.lower())
        if number is None:
            raise TrainingError(
                f"The word “{word}” is not known: it does not stand in the texts, or too rarely.",
                "Try another word, or keep rarer ones in the next run.",
                code="unknown_word",
            )
        return np.asarray(self.vectors[number])

    def neighbours(self, text: str, count: int = 10) -> list[dict[str, object]]:
        """The nearest words to one word, or to a sum such as “king - man + woman”, whose own words are left out.

        Each as {"word", "similarity"}, the cosine. Mikolov et al., "Linguistic regularities in continuous space word
        representations", 2013.
        """
        terms = read_sum(text)
        wanted = np.sum([sign * self.find(word) for sign, word in terms], axis=0)
        likeness = self.vectors @ (wanted / max(1e-12, float(np.linalg.norm(wanted))))
        for _sign, word in terms:
            likeness[self.numbers[word.lower()]] = -np.inf
        nearest = np.argsort(-likeness, kind="stable")[:count]
        return [{"word": self.words[at], "similarity": float(likeness[at])} for at in nearest]

    def map(self, chosen: Sequence[str], common: int = 50) -> dict[str, object]:
        """Places for the chosen words and the commonest ones: {"words", "chosen": how many, "pca", "tsne": {"x", "y"}}.

        The two directions in which they differ most, and van der Maaten and Hinton, "Visualizing data using t-SNE",
        2008, which keeps neighbours together.
        """
        asked = [self.numbers[word.lower()] for word in chosen]
        others = [number for number in range(min(common, len(self.words))) if number not in set(asked)]
        shown = self.vectors[[*asked, *others]]
        return {
            "words": [self.words[at] for at in (*asked, *others)],
            "chosen": len(asked),
            "pca": _coordinates(_principal(shown)),
            "tsne": _coordinates(_neighbourly(shown)),
        }


def _principal(vectors: Floats) -> Floats:
    centred = vectors - vectors.mean(axis=0)
    _left, _strengths, axes = np.linalg.svd(centred, full_matrices=False)
    return np.asarray(centred @ axes[:2].T)


def _neighbourly(vectors: Floats) -> Floats:
    from sklearn.manifold import TSNE

    perplexity = min(10.0, (len(vectors) - 1) / 3)
    drawing = TSNE(perplexity=perplexity, init="pca", random_state=0, max_iter=500)
    return np.asarray(drawing.fit_transform(vectors), np.float64)


def _coordinates(places: Floats) -> dict[str, list[float]]:
    scaled = places / max(1e-12, float(np.abs(places).max()))
    return {"x": scaled[:, 0].round(4).tolist(), "y": scaled[:, 1].round(4).tolist()}


def read_sum(text: str) -> list[tuple[int, str]]:
    """“king - man + woman” as signs and words. Raises TrainingError where there is no word."""
    terms: list[tuple[int, str]] = []
    sign = 1
    for piece in text.replace("−", "-").replace("+", " + ").replace(" -", " - ").split():
        if piece in "+-":
            sign = 1 if piece == "+" else -1
            continue
        terms.append((sign, piece))
        sign = 1
    if not terms:
        raise TrainingError("There is no word to look up.", "Type a word, or a sum such as “king - man + woman”.")
    return terms
