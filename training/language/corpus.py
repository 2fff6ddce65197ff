"""From the rows of a data set to tokens: which tokenizer, which text of which part, plain or as conversations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray

from training.data.schema import Description
from training.errors import TrainingError
from training.examples import PARTS, Examples, Part
from training.language.conversations import IGNORED, Message, encode_chat
from training.language.stretches import Conversations, Stretches, Windows
from training.pretrained.transfer import earlier_tokenizer
from training.spec import TrainSpec
from training.texts.tokenizers import Vocabulary, build_byte_pairs, build_characters, encode_places, load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


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

    stretches: Stretches
    bytes_per_token: float
    """UTF-8 bytes of text per token that counts."""
    rows: NDArray[np.int64]
    """Data row of each token of a text (N,), or of each conversation."""
    places: NDArray[np.int64]
    """Character of the part's text at which each token starts (N,); empty for conversations."""


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
    documents = {part: examples.column(column, part).cast(pl.String).fill_null("").to_list() for part in PARTS}
    tokenizer = _tokenizer(spec, documents["train"], chat=False)
    end = "" if _flows(spec) else tokenizer.eos_token or "\n"
    parts = {
        part: _text_part(tokenizer, documents[part], examples.rows[part], end, length, part, device) for part in PARTS
    }
    return Corpus(tokenizer, parts, length, chats=[])


def _text_part(
    tokenizer: PreTrainedTokenizerFast,
    documents: list[str],
    rows: NDArray[np.int64],
    end: str,
    length: int,
    part: Part,
    device: torch.device,
) -> PartTokens:
    """The documents in row order as one text, each closed by `end`."""
    pieces = [text + end for text in documents]
    text = "".join(pieces)
    ids, places = encode_places(tokenizer, text)
    if len(ids) < 2 or (part == "train" and len(ids) <= length):
        raise TrainingError(
            f"The {_NAMES[part]} has {len(ids):,} tokens, and the model reads {length:,} at a time.",
            "Bring more text, or choose a shorter context.",
            code="too_little_text",
        )
    begins = np.cumsum([0, *(len(piece) for piece in pieces)])
    return PartTokens(
        stretches=Windows(torch.from_numpy(ids).to(device), min(length, len(ids) - 1)),
        bytes_per_token=len(text.encode()) / len(ids),
        rows=rows[np.searchsorted(begins, places, side="right") - 1],
        places=places,
    )


def _read_chats(spec: TrainSpec, examples: Examples, column: str, length: int, device: torch.device) -> Corpus:
    chats = {part: [_messages(chat) for chat in examples.column(column, part).to_list()] for part in PARTS}
    tokenizer = _tokenizer(spec, [message["content"] for chat in chats["train"] for message in chat], chat=True)
    parts = {part: _chat_part(tokenizer, chats[part], examples.rows[part], length, part, device) for part in PARTS}
    return Corpus(tokenizer, parts, length, chats=chats["test"])


def _chat_part(
    tokenizer: PreTrainedTokenizerFast,
    chats: list[list[Message]],
    rows: NDArray[np.int64],
    length: int,
    part: Part,
    device: torch.device,
) -> PartTokens:
    """Conversations with something to learn within the first `length` tokens; the others are left out."""
    encoded = [encode_chat(tokenizer, chat, length) for chat in chats]
    kept = [number for number, (_, targets) in enumerate(encoded) if (targets != IGNORED).any()]
    if not kept:
        raise TrainingError(
            f"No conversation of the {_NAMES[part]} has an answer within the first {length:,} tokens.",
            "Choose a longer context, or check that the assistant's role is called “assistant”.",
            code="no_answers",
        )
    ids = np.concatenate([encoded[number][0] for number in kept])
    targets = np.concatenate([encoded[number][1] for number in kept])
    spoken = tokenizer.decode(targets[targets != IGNORED], skip_special_tokens=True)
    return PartTokens(
        stretches=Conversations(
            torch.from_numpy(ids).to(device),
            torch.from_numpy(targets).to(device),
            torch.tensor([len(encoded[number][0]) for number in kept]),
        ),
        bytes_per_token=len(str(spoken).encode()) / int((targets != IGNORED).sum()),
        rows=rows[kept],
        places=np.empty(0, dtype=np.int64),
    )


def _tokenizer(spec: TrainSpec, texts: list[str], *, chat: bool) -> PreTrainedTokenizerFast:
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


def _messages(chat: list[dict[str, str | None]] | None) -> list[Message]:
    return [{"role": turn["role"] or "user", "content": turn["content"] or ""} for turn in chat or []]


_NAMES: dict[Part, str] = {"train": "text to learn from", "val": "validation text", "test": "held-out text"}
