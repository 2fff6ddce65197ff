"""Questions and the passages that hold their answers, cut into windows of tokens that a network reads at once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray

from training.data.mapped import Growing
from training.measures import Floats, Ints
from training.settings.texts import LOOKS
from training.texts.columns import AT_ONCE
from training.texts.reading import Encoded
from training.texts.spelling import looks_of, meetings

if TYPE_CHECKING:
    from tokenizers import Encoding, Tokenizer
    from transformers import PreTrainedTokenizerFast

LONGEST_ANSWER = 30
"""Tokens of an answer."""

Looks: TypeAlias = tuple[NDArray[np.int32], NDArray[np.int32]]
"""What the words of a question and of its passage look like."""


class Asked(NamedTuple):
    """A question about a passage, with the answers that are right: text and first character."""

    question: str
    context: str
    answers: list[tuple[str, int]]


@dataclass(frozen=True)
class Windows:
    """Windows [mark] question [mark] stretch of the passage [mark]; each example has one or several that overlap."""

    encoded: Encoded
    example: Ints
    """Which example each window belongs to, in their order: (windows,)."""
    places: NDArray[np.int32]
    """First and last character + 1 in the passage, -1 for other tokens: (tokens of all windows, 2)."""

    def stretch(self, window: int) -> NDArray[np.int32]:
        """The places of one window's tokens: (T, 2)."""
        start = self.encoded.starts[window]
        return self.places[start : start + self.encoded.lengths[window]]

    def targets(self, asked: Sequence[Asked]) -> Ints:
        """First and last token of the right answer in each window, the opening mark where there is none: (n, 2)."""
        found, window = np.empty((len(self.example), 2), np.int64), 0
        for one, count in zip(asked, np.bincount(self.example, minlength=len(asked)), strict=True):
            found[window : window + count] = [
                _target(self.stretch(place), one.answers) for place in range(window, window + count)
            ]
            window += count
        return found


class Found(NamedTuple):
    """A stretch of a passage: characters `start` to `end`, and how much more it is worth than saying nothing."""

    start: int
    end: int
    probability: float
    advantage: float


def cut_windows(
    tokenizer: PreTrainedTokenizerFast,
    asked: Sequence[Asked],
    length: int,
    *,
    spelled: bool = False,
    folder: Path | None = None,
) -> Windows:
    """Windows of at most `length` tokens over every passage, neighbours sharing a third of it.

    `spelled` adds to each token what its word looks like and whether the other side holds it too. Examples are gone
    through once, some at a time; more than a gigabyte of tokens is mapped from a file in `folder`.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    backend.no_truncation()
    marks = _marks(tokenizer)
    ids, places = Growing(np.int32, folder), Growing(np.int32, folder)
    lengths, example = list[int](), list[int]()
    for start in range(0, len(asked), AT_ONCE):
        some = asked[start : start + AT_ONCE]
        for number, (one, question, passage) in enumerate(_encode(backend, some), start):
            looks = _looks(one, question, passage) if spelled else None
            for tokens, stretch in _windows(question, passage, looks, marks, length):
                ids.add(tokens)
                places.add(stretch)
                lengths.append(len(tokens))
                example.append(number)
    sizes = np.array(lengths, dtype=np.int64)
    texts = Encoded(torch.from_numpy(ids.whole()), np.cumsum(sizes) - sizes, sizes, 0)
    return Windows(texts, np.array(example, dtype=np.int64), places.whole())


def _encode(backend: Tokenizer, asked: Sequence[Asked]) -> Iterator[tuple[Asked, Encoding, Encoding]]:
    """Each example with the tokens of its question and of its passage, which several may share."""
    questions = backend.encode_batch([one.question for one in asked], add_special_tokens=False)
    passages = list(dict.fromkeys(one.context for one in asked))
    encoded = dict(zip(passages, backend.encode_batch(passages, add_special_tokens=False), strict=True))
    for one, question in zip(asked, questions, strict=True):
        yield one, question, encoded[one.context]


def _windows(
    question: Encoding, passage: Encoding, looks: Looks | None, marks: tuple[int, int], length: int
) -> Iterator[tuple[NDArray[np.int32], NDArray[np.int32]]]:
    """The tokens of each window (T,) or with looks (T, 3 + LOOKS), and their places (T, 2)."""
    (opening, closing), asking = marks, question.ids[: length // 3]
    before = [opening, *asking, closing]
    room = length - len(before) - 1
    for first in _starts(len(passage.ids), room):
        part, offsets = _part(passage, first, room)
        tokens = np.array([*before, *part, closing], dtype=np.int32)
        if looks is not None:
            nothing = np.zeros((1, looks[0].shape[1]), np.int32)
            beside = [nothing, looks[0][: len(asking)], nothing, looks[1][first : first + room], nothing]
            tokens = np.column_stack([tokens, np.concatenate(beside)])
        yield tokens, np.array([(-1, -1)] * len(before) + offsets + [(-1, -1)], dtype=np.int32)


def best_stretch(scores: Floats, places: NDArray[np.int32]) -> Found:
    """The stretch of a window whose first and last token score highest together; `scores` (T, 2), `places` (T, 2).

    The opening mark stands for no answer: Devlin et al., "BERT", 2019, section 4.3.
    """
    inside = places[:, 0] >= 0
    starts = np.where(inside, scores[:, 0], -np.inf)
    ends = np.where(inside, scores[:, 1], -np.inf)
    tokens = len(scores)
    apart = np.arange(tokens)[None, :] - np.arange(tokens)[:, None]
    worth = np.where((apart >= 0) & (apart < LONGEST_ANSWER), starts[:, None] + ends[None, :], -np.inf)
    first, last = np.unravel_index(int(worth.argmax()), worth.shape)
    logs = scores - np.logaddexp.reduce(scores, axis=0)
    probability = float(np.exp(logs[first, 0] + logs[last, 1]))
    advantage = float(worth[first, last] - scores[0].sum())
    return Found(int(places[first, 0]), int(places[last, 1]), probability, advantage)


def _target(places: NDArray[np.int32], answers: Sequence[tuple[str, int]]) -> tuple[int, int]:
    for text, start in answers[:1]:
        end = start + len(text)
        covered = np.flatnonzero((places[:, 0] >= 0) & (places[:, 0] < end) & (places[:, 1] > start))
        if len(covered) and places[covered[0], 0] <= start and places[covered[-1], 1] >= end:
            return int(covered[0]), int(covered[-1])
    return 0, 0


def _starts(tokens: int, room: int) -> list[int]:
    step = max(1, room - room // 3)
    return [0, *range(step, max(step, tokens - room // 3), step)] if tokens > room else [0]


def _looks(one: Asked, question: Encoding, passage: Encoding) -> Looks:
    """What the words of both sides look like, and whether they meet: (tokens, looks + 2) each."""
    asking = [one.question[start:end] for start, end in question.offsets]
    telling = [one.context[start:end] for start, end in passage.offsets]
    sides = ((asking, telling, "question"), (telling, asking, "passage"))
    both = [
        [(*looks_of(word), *met) for word, met in zip(words, meetings(words, others, side), strict=True)]
        for words, others, side in sides
    ]
    asked, told = (np.array(looks, dtype=np.int32).reshape(len(looks), LOOKS + 2) for looks in both)
    return asked, told


def _part(encoding: Encoding, first: int, room: int) -> tuple[list[int], list[tuple[int, int]]]:
    return encoding.ids[first : first + room], encoding.offsets[first : first + room]


def _marks(tokenizer: PreTrainedTokenizerFast) -> tuple[int, int]:
    """The tokens that open a window and close its parts: the tokenizer's own, or any that no text holds."""
    opening, closing = tokenizer.cls_token_id, tokenizer.sep_token_id
    spare = next(one for one in (tokenizer.unk_token_id, tokenizer.eos_token_id, 0) if one is not None)
    return (spare if opening is None else opening), (spare if closing is None else closing)
