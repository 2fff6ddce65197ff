"""Pairs of texts that are compared: both sides read alike, and the cosine of what one network notes of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeAlias, cast

import torch
from scipy.sparse import csr_matrix
from torch import Tensor, nn
from torch.nn import functional as F

from training.architectures import Shapes
from training.examples import PARTS, Examples, Part
from training.measures import Floats
from training.spec import TrainSpec
from training.texts.columns import Chained, ColumnTexts
from training.texts.grams import count_words
from training.texts.reading import Encoded, Reads, encode_texts, tokenizer_for
from training.texts.tfidf import Weighting
from training.texts.whole_texts import read_scores

SIDES = ("first", "second")
MOST_WORDS = 200_000
Side: TypeAlias = tuple[Part, str]


@dataclass(frozen=True)
class TextPairs:
    """Both texts of every pair, by part and side, and as tokens."""

    texts: dict[Side, ColumnTexts]
    encoded: dict[Side, Encoded]
    shapes: Shapes

    @classmethod
    def read(cls, spec: TrainSpec, examples: Examples, model_folder: Path) -> Self:
        """Cut all texts into tokens, with the tokenizer that is left in the model folder."""
        texts = {
            (part, side): ColumnTexts(examples.frame[examples.rows[part]], spec.roles[side])
            for part in PARTS
            for side in SIDES
        }
        tokenizer = tokenizer_for(spec, Chained([texts["train", side] for side in SIDES]))
        model_folder.mkdir(parents=True, exist_ok=True)
        tokenizer.save_pretrained(model_folder)
        length = cast(Reads, spec.network()).length
        encoded = {key: encode_texts(tokenizer, some, length, model_folder.parent) for key, some in texts.items()}
        return cls(texts, encoded, Shapes(outputs=0, vocabulary=len(tokenizer), length=length))

    def notes(self, model: nn.Module, indices: Tensor, device: torch.device) -> tuple[Tensor, Tensor]:
        """What the network notes of both texts of some pairs to learn from: (B, D) each."""
        rows = indices.numpy()
        first, second = (model(*self.encoded["train", side].batch(rows, device)).float() for side in SIDES)
        return first, second

    def alike(self, model: nn.Module, part: Part, device: torch.device) -> Floats:
        """How alike the notes of the two texts of each pair are, from -1 to 1: (pairs,)."""
        return cosines(model, [self.encoded[part, side] for side in SIDES], device)

    def weighted_words(self) -> tuple[csr_matrix, csr_matrix]:
        """The words of both sides of the test part, the rarer the heavier, every text of length one: TF-IDF."""
        learnt = [text for side in SIDES for text in self.texts["train", side]]
        weighting = Weighting.learn(count_words(learnt, longest=1), least=1, most=MOST_WORDS)
        first, second = (weighting.apply(count_words(self.texts["test", side], longest=1)) for side in SIDES)
        return first, second


def cosines(model: nn.Module, sides: Sequence[Encoded], device: torch.device) -> Floats:
    """How alike the notes of two rows of texts are, from -1 to 1: (pairs,)."""
    first, second = (torch.from_numpy(read_scores(model, side, device)) for side in sides)
    return F.cosine_similarity(first, second).numpy()
