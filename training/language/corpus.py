"""From the rows of a data set to tokens: which tokenizer, which text of which part, plain or as conversations."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from training.data.mapped import Growing
from training.data.schema import Description
from training.errors import TrainingError
from training.examples import Examples, Part
from training.language.conversations import IGNORED, Message, encode_chat
from training.language.stretches import Conversations, Windows
from training.pretrained.transfer import earlier_tokenizer
from training.spec import TrainSpec
from training.texts.columns import ColumnTexts
from training.texts.tokenizers import Vocabulary, build_byte_pairs, build_characters, encode_stream, load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

CHATS_AT_ONCE = 256


@runtime_checkable
class LearnsVocabulary(Protocol):
    """Settings of a network that starts from nothing."""

    vocabulary: Vocabulary
    vocabulary_size: int
    length: int


@runtime_checkable
class BringsVocabulary(Protocol):
    """Settings of a pretrained network."""

    source: str
    length: int


@dataclass(frozen=True)
class PartTokens:
    """One part of the data as stretches of tokens, and where each comes from."""

    stretches: Windows | Conversations
    bytes_per_token: float
    """UTF-8 bytes of text per token that counts."""
    rows: NDArray[np.int64]
    """Data row of each token of a held-out text (N,), or of each conversation; empty for a text to learn from."""
    places: NDArray[np.int64]
    """Character of the held-out text at which each token starts (N,); empty for all others."""

    def to(self, device: torch.device) -> PartTokens:
        """The same on a device."""
        return replace(self, stretches=self.stretches.to(device))


@dataclass(frozen=True)
class Corpus:
    """The data as a language model reads it."""

    tokenizer: PreTrainedTokenizerFast
    parts: dict[Part, PartTokens]
    length: int
    chats: list[list[Message]]
    """The held-out conversations; empty for plain text."""


def read_corpus(spec: TrainSpec, examples: Examples, device: torch.device) -> Corpus:
    """Tokens of all parts on the device, with a tokenizer that was learnt from the train part or came with the model.

    Raises TrainingError when a part is too short to read or has no answers to learn.
    """
    column, settings = spec.column("text"), spec.network()
    assert isinstance(settings, LearnsVocabulary | BringsVocabulary), f"{spec.architecture} does not say what it reads"
    length = settings.length
    if isinstance(examples.frame[column].dtype, pl.List):
        return _read_chats(spec, examples, column, length, device)
    return _read_text(spec, examples, column, length, device)


def _read_text(spec: TrainSpec, examples: Examples, column: str, length: int, device: torch.device) -> Corpus:
    tokenizer = _tokenizer(spec, _texts(examples.column(column, "train")), chat=False)
    end = "" if _flows(spec) else tokenizer.eos_token or "\n"

    def read(part: Part) -> PartTokens:
        return _text_part(tokenizer, examples.column(column, part), examples.rows[part], end, length, part)

    return Corpus(tokenizer, _each_part(examples, read, device), length, chats=[])


def _each_part(examples: Examples, read: Callable[[Part], PartTokens], device: torch.device) -> dict[Part, PartTokens]:
    """The tokens of every part on the device; of held-out rows that are watched and judged by once."""
    train, test = read("train").to(device), read("test").to(device)
    same = examples.rows["val"] is examples.rows["test"]
    return {"train": train, "val": test if same else read("val").to(device), "test": test}


def _text_part(
    tokenizer: PreTrainedTokenizerFast, cells: pl.Series, rows: NDArray[np.int64], end: str, length: int, part: Part
) -> PartTokens:
    """The documents in row order as one text, each closed by `end`."""
    flat, starts = Growing(np.int32), Growing(np.int64)
    for ids, places in encode_stream(tokenizer, (text + end for text in _texts(cells)), closed=bool(end)):
        flat.add(ids)
        if part != "train":  # nobody asks where a token to learn from stands
            starts.add(places)
    ids, places = flat.whole(), starts.whole()
    if len(ids) < 2 or (part == "train" and len(ids) <= length):
        raise TrainingError(
            f"The {_NAMES[part]} has {len(ids):,} tokens, and the model reads {length:,} at a time.",
            "Bring more text, or choose a shorter context.",
            code="too_little_text",
        )
    texts = cells.cast(pl.String).fill_null("")
    ends = (texts.str.len_chars().cast(pl.Int64) + len(end)).cum_sum().to_numpy()
    size = int(texts.str.len_bytes().sum()) + len(texts) * len(end.encode())
    return PartTokens(
        stretches=Windows(torch.from_numpy(ids), min(length, len(ids) - 1)),
        bytes_per_token=size / len(ids),
        rows=rows[np.searchsorted(ends, places, side="right")],
        places=places,
    )


def _read_chats(spec: TrainSpec, examples: Examples, column: str, length: int, device: torch.device) -> Corpus:
    learnt = (message["content"] for chat in _chats(examples.column(column, "train")) for message in chat)
    tokenizer = _tokenizer(spec, learnt, chat=True)

    def read(part: Part) -> PartTokens:
        return _chat_part(tokenizer, examples.column(column, part), examples.rows[part], length, part)

    chats = list(_chats(examples.column(column, "test")))
    return Corpus(tokenizer, _each_part(examples, read, device), length, chats=chats)


def _chat_part(
    tokenizer: PreTrainedTokenizerFast, cells: pl.Series, rows: NDArray[np.int64], length: int, part: Part
) -> PartTokens:
    """Conversations with something to learn within the first `length` tokens; the others are left out."""
    flat, follow, lengths, kept = Growing(np.int32), Growing(np.int32), list[int](), list[int]()
    spoken = answered = 0
    for number, chat in enumerate(_chats(cells)):
        ids, targets = encode_chat(tokenizer, chat, length)
        counted = targets[targets != IGNORED]
        if not len(counted):
            continue
        flat.add(ids)
        follow.add(targets.astype(np.int32))
        lengths.append(len(ids))
        kept.append(number)
        spoken += len(str(tokenizer.decode(counted, skip_special_tokens=True)).encode())
        answered += len(counted)
    if not kept:
        raise TrainingError(
            f"No conversation of the {_NAMES[part]} has an answer within the first {length:,} tokens.",
            "Choose a longer context, or check that the assistant's role is called “assistant”.",
            code="no_answers",
        )
    return PartTokens(
        stretches=Conversations(
            torch.from_numpy(flat.whole()), torch.from_numpy(follow.whole()), torch.tensor(lengths)
        ),
        bytes_per_token=spoken / answered,
        rows=rows[kept],
        places=np.empty(0, dtype=np.int64),
    )


def _tokenizer(spec: TrainSpec, texts: Iterable[str], *, chat: bool) -> PreTrainedTokenizerFast:
    if (earlier := earlier_tokenizer(spec)) is not None:
        return earlier
    settings: object = spec.network()
    if isinstance(settings, BringsVocabulary):
        from training.pretrained.loading import resolve

        return load_tokenizer(resolve(settings.source))
    assert isinstance(settings, LearnsVocabulary)
    if settings.vocabulary == "characters":
        return build_characters(texts, settings.vocabulary_size, chat=chat)
    return build_byte_pairs(texts, settings.vocabulary_size, chat=chat)


def _flows(spec: TrainSpec) -> bool:
    """Whether the rows put together are one text, rather than documents of their own."""
    path = Path(spec.data) / "dataset.json"
    return path.exists() and Description.model_validate_json(path.read_bytes()).kind == "text"


def _texts(cells: pl.Series) -> ColumnTexts:
    return ColumnTexts(cells.to_frame(), [cells.name])


def _chats(cells: pl.Series) -> Iterator[list[Message]]:
    for start in range(0, len(cells), CHATS_AT_ONCE):
        for chat in cells.slice(start, CHATS_AT_ONCE).to_list():
            yield [{"role": turn["role"] or "user", "content": turn["content"] or ""} for turn in chat or []]


_NAMES: dict[Part, str] = {"train": "text to learn from", "val": "validation text", "test": "held-out text"}
