"""Conversations to tokens: rendered with the tokenizer's own chat template, learning from the answers only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from numpy.typing import NDArray

from training.errors import TrainingError

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Message: TypeAlias = dict[str, str]
"""{"role": "system", "user" or "assistant", "content": text}."""

ANSWERING = "assistant"
IGNORED = -100
"""The target of a token that is read but not learnt, as in torch's cross-entropy."""

PLAIN_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | capitalize }}:\n{{ message['content'] }}"
    "{% if message['role'] == 'assistant' %}{{ eos_token }}{% endif %}\n"
    "{% endfor %}{% if add_generation_prompt %}Assistant:\n{% endif %}"
)
"""For pretrained models that never saw a chat and so have no template of their own.

An answer begins on a line of its own: a space before it would melt into its first token, which then were not learnt.
"""


def prompt_text(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message]) -> str:
    """The conversation so far, up to the point where the model answers."""
    return _render(tokenizer, messages, answering=True)


def prompt_ids(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message]) -> list[int]:
    """Token ids of `prompt_text`."""
    ids: list[int] = tokenizer(prompt_text(tokenizer, messages), add_special_tokens=False)["input_ids"]
    return ids


def encode_chat(
    tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message], length: int
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Token ids (T,) of a conversation and, beside each, the next token if it belongs to an answer, else IGNORED.

    An answer ends with the mark that closes the turn, so that the model learns to stop. T is at most `length`.
    """
    text = _render(tokenizer, messages, answering=False) if messages else ""
    encoded = tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
    ids = np.array(encoded["input_ids"], dtype=np.int64)
    starts = np.array([start for start, _ in encoded["offset_mapping"]], dtype=np.int64)
    answered = np.zeros(len(ids), dtype=bool)
    for begin, end in answer_spans(tokenizer, messages, text):
        answered |= (starts >= begin) & (starts < end)
    targets = np.where(answered[1:], ids[1:], IGNORED)
    return ids[:-1][:length].astype(np.int32), targets[:length]


def answer_spans(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message], text: str) -> list[tuple[int, int]]:
    """Where in the rendered text the answers stand, from their first character to past their closing mark."""
    spans = []
    for index, message in enumerate(messages):
        if message["role"] != ANSWERING:
            continue
        before = prompt_text(tokenizer, messages[:index])
        through = _render(tokenizer, messages[: index + 1], answering=False)
        begin = _shared(before, text)
        end = len(text[: _shared(through, text)].rstrip())
        spans.append((begin, end))
    return spans


def questions(messages: Sequence[Message]) -> list[Message]:
    """The conversation up to its first answer: a prompt to try the model with."""
    until = next((index for index, message in enumerate(messages) if message["role"] == ANSWERING), len(messages))
    return list(messages[:until])


def _render(tokenizer: PreTrainedTokenizerFast, messages: Sequence[Message], *, answering: bool) -> str:
    from jinja2.exceptions import TemplateError

    template = None if tokenizer.chat_template else PLAIN_TEMPLATE
    try:
        text = tokenizer.apply_chat_template(
            list(messages), tokenize=False, add_generation_prompt=answering, chat_template=template
        )
    except TemplateError as error:
        raise TrainingError(
            f"This model's chat template does not take the conversation: {error}",
            "Most models want user and assistant to take turns, the user first.",
            code="bad_conversation",
        ) from error
    return str(text)


def _shared(first: str, second: str) -> int:
    """Characters that both texts begin with."""
    pairs = zip(first, second, strict=False)
    return next((place for place, (a, b) in enumerate(pairs) if a != b), min(len(first), len(second)))
