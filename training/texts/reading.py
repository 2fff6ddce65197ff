"""Texts on their way into a network: joined, cut into tokens, and put into batches of like length."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol, runtime_checkable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from training.data.mapped import Growing
from training.pretrained.transfer import earlier_tokenizer
from training.texts.columns import AT_ONCE
from training.texts.spelling import with_looks
from training.texts.tokenizers import (
    build_byte_pairs,
    build_characters,
    build_words,
    encode_each,
    load_tokenizer,
    portions,
)

if TYPE_CHECKING:
    from tokenizers import Encoding
    from transformers import PreTrainedTokenizerFast

    from training.architectures import Architecture
    from training.spec import TrainSpec

TOKENS_AT_ONCE = 16_384
"""Tokens per batch where nothing is learnt."""
MIXING = 0.04
"""How much longer than it is a text may seem when texts of about one length are put together: more mixes better."""


class Reads(Protocol):
    """What the settings of every network for texts say."""

    length: int
    """Tokens of a text that are read; 0 where only words are counted."""
    counted: bool


class CountsWords(Protocol):
    """Settings of a model that only counts."""

    words: int
    letters: int


@runtime_checkable
class LearnsVocabulary(Protocol):
    """Settings of a network that learns its tokens from the training texts."""

    vocabulary: Literal["words", "byte-pairs", "characters"]
    vocabulary_size: int


@runtime_checkable
class BringsVocabulary(Protocol):
    """Settings of a pretrained network."""

    source: str


@dataclass(frozen=True)
class Encoded:
    """The token ids of many texts, one after another."""

    ids: Tensor
    """int32 (tokens of all texts,), or (tokens, 1 + looks) where each brings what its word looks like."""
    starts: NDArray[np.int64]
    lengths: NDArray[np.int64]
    """Tokens per text, at least 1."""
    cut: int
    """Texts that were longer than what is read."""

    def batch(self, indices: Sequence[int] | NDArray[np.int64], device: torch.device) -> tuple[Tensor, Tensor]:
        """Token ids int64 (B, T) as long as the longest text of the batch, and where a token stands, bool (B, T).

        Where tokens bring looks, the ids are (B, T, 1 + looks).
        """
        ids = self.padded(self.ids, indices, 0).to(torch.int64)
        mask = torch.arange(ids.shape[1]) < torch.from_numpy(self.lengths[indices])[:, None]
        return ids.to(device), mask.to(device)

    def padded(self, flat: Tensor, indices: Sequence[int] | NDArray[np.int64], filling: int) -> Tensor:
        """What `flat` (tokens of all texts,) says of the tokens of some texts: (B, T), filled up at the ends."""
        places = zip(self.starts[indices], self.lengths[indices], strict=True)
        return pad_sequence([flat[start : start + length] for start, length in places], True, filling)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        """Every text once, in batches of about one length that come in random order; all chance is `generator`'s."""
        order = torch.randperm(len(self.lengths), generator=generator)
        seeming = torch.from_numpy(self.lengths)[order] * (1 + MIXING * torch.rand(len(order), generator=generator))
        batches = order[seeming.argsort(stable=True)].split(batch_size)
        return [batches[index] for index in torch.randperm(len(batches), generator=generator)]

    def in_order_of_length(self) -> Iterator[NDArray[np.int64]]:
        """Every text once, in batches of bounded size, the shortest first."""
        order = np.argsort(self.lengths, kind="stable")
        start = 0
        while start < len(order):
            count = 1
            while start + count < len(order) and (count + 1) * self.lengths[order[start + count]] <= TOKENS_AT_ONCE:
                count += 1
            yield order[start : start + count]
            start += count

    def padding(self, batches: Sequence[Tensor]) -> float:
        """Share of the tokens in these batches that only fill up."""
        longest = sum(int(self.lengths[batch].max()) * len(batch) for batch in batches)
        return 1 - sum(int(self.lengths[batch].sum()) for batch in batches) / max(1, longest)


def tokenizer_for(spec: TrainSpec, texts: Collection[str]) -> PreTrainedTokenizerFast:
    """The vocabulary of the run that is gone on from, else that of the network or of these texts."""
    return earlier_tokenizer(spec) or make_tokenizer(spec.network(), texts)


def make_tokenizer(settings: Architecture, texts: Collection[str]) -> PreTrainedTokenizerFast:
    """The pretrained network's own tokenizer, or one learnt from these texts."""
    if isinstance(settings, BringsVocabulary):
        from training.pretrained.loading import resolve

        return load_tokenizer(resolve(settings.source))
    assert isinstance(settings, LearnsVocabulary), f"{settings.title} does not say what it reads"
    if settings.vocabulary == "characters":
        return build_characters(texts, settings.vocabulary_size)
    if settings.vocabulary == "byte-pairs":
        return build_byte_pairs(texts, settings.vocabulary_size)
    return build_words(texts, settings.vocabulary_size, least=2 if len(texts) >= 1000 else 1)


def encode_texts(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], length: int, folder: Path | None = None
) -> Encoded:
    """Cut each text into at most `length` tokens; a text without any becomes the tokenizer's first token.

    Texts are gone through once, some at a time; more than a gigabyte of tokens is mapped from a file in `folder`.
    """
    tokenizer.backend_tokenizer.no_padding()  # some files ask for a fixed length
    flat, lengths = Growing(np.int32, folder), np.empty(len(texts), np.int64)
    done = cut = 0
    for some in portions(texts):
        found, longer = _encode_some(tokenizer, some, length)
        cut += longer
        lengths[done : done + len(some)] = [len(ids) for ids in found]
        done += len(some)
        flat.add(np.concatenate(found))
    return Encoded(torch.from_numpy(flat.whole()), np.cumsum(lengths) - lengths, lengths, cut)


def _encode_some(
    tokenizer: PreTrainedTokenizerFast, texts: Sequence[str], length: int
) -> tuple[list[NDArray[np.int32]], int]:
    """The token ids of each text, and how many texts have more than `length`."""
    found = encode_each(tokenizer, texts, length + 1)
    cut = sum(len(ids) > length for ids in found)
    if cut:
        found = encode_each(tokenizer, texts, length)
    return [ids if len(ids) else np.zeros(1, np.int32) for ids in found], cut


@dataclass(frozen=True)
class Firsts:
    """Per sentence the token at which each word starts; -1 for words that are cut off or leave no token."""

    flat: NDArray[np.int32]
    """Of the words of all sentences, one after another."""
    ends: NDArray[np.int64]
    """Where the words of each sentence end."""

    def __len__(self) -> int:
        return len(self.ends)

    def __iter__(self) -> Iterator[NDArray[np.int32]]:
        return (self[sentence] for sentence in range(len(self)))

    def __getitem__(self, sentence: int) -> NDArray[np.int32]:
        return self.flat[self.ends[sentence - 1] if sentence else 0 : self.ends[sentence]]


def encode_words(
    tokenizer: PreTrainedTokenizerFast,
    sentences: Sequence[Sequence[str]],
    length: int,
    *,
    spelled: bool = False,
    folder: Path | None = None,
) -> tuple[Encoded, Firsts]:
    """Cut sentences whose words are known into at most `length` tokens each; `spelled` adds the looks of their words.

    Sentences are gone through once, some at a time; more than a gigabyte of tokens is mapped from a file in `folder`.
    """
    backend = tokenizer.backend_tokenizer
    backend.no_padding()
    flat, firsts = Growing(np.int32, folder), Growing(np.int32, folder)
    lengths, counts = np.empty(len(sentences), np.int64), np.empty(len(sentences), np.int64)
    cut = 0
    for start in range(0, len(sentences), AT_ONCE):
        some = slice(start, start + AT_ONCE)
        words = [list(one) for one in sentences[some]]
        encodings = backend.encode_batch(words, is_pretokenized=True)
        cut += sum(len(encoding.ids) > length for encoding in encodings)
        ids = [_word_ids(*each, length, spelled=spelled) for each in zip(encodings, words, strict=True)]
        first = [_first_tokens(e.word_ids[:length], len(one)) for e, one in zip(encodings, words, strict=True)]
        lengths[some], counts[some] = [len(one) for one in ids], [len(one) for one in words]
        flat.add(np.concatenate(ids))
        firsts.add(np.concatenate(first))
    encoded = Encoded(torch.from_numpy(flat.whole()), np.cumsum(lengths) - lengths, lengths, cut)
    return encoded, Firsts(firsts.whole(), np.cumsum(counts))


def _word_ids(encoding: Encoding, words: Sequence[str], length: int, *, spelled: bool) -> NDArray[np.int32]:
    """The token ids of one sentence: (tokens,), or with the looks of its words (tokens, 1 + LOOKS)."""
    ids = encoding.ids[:length] or [0]
    if not spelled:
        return np.array(ids, dtype=np.int32)
    places = encoding.word_ids[:length] or [None]
    return with_looks(ids, [None if at is None else words[at] for at in places])


def _first_tokens(word_of_token: Sequence[int | None], words: int) -> NDArray[np.int32]:
    firsts = np.full(words, -1, np.int32)
    for token in range(len(word_of_token) - 1, -1, -1):
        word = word_of_token[token]
        if word is not None:
            firsts[word] = token
    return firsts
