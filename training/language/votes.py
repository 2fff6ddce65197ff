"""Two answers to each question, the better and the worse one, as tokens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import numpy as np
import polars as pl
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from training.errors import TrainingError
from training.language.conversations import ANSWERING, IGNORED, Message, encode_chat
from training.language.stretches import Conversations

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

Chat: TypeAlias = list[Message]


@dataclass(frozen=True)
class Votes:
    """One part of the data: conversations that end with the better answer, and the same with the worse one."""

    chosen: Conversations
    rejected: Conversations
    numbers: NDArray[np.int64]
    """Place of each vote among the rows of its part; those whose answers lie beyond what is read are left out."""

    def to(self, device: torch.device) -> Votes:
        """The same on a device."""
        return Votes(self.chosen.to(device), self.rejected.to(device), self.numbers)

    def epoch(self, generator: torch.Generator, batch_size: int) -> list[Tensor]:
        """Every vote once, those of like length together."""
        return self.chosen.epoch(generator, batch_size)


def read_chat(question: object, answer: object) -> Chat:
    """A conversation from a question and an answer, each a text or a list of messages.

    Where the answer is a conversation with the question in it, as some data sets have it, it stands as it is.
    """
    asked = _messages(question, "user") if question else []
    answered = _messages(answer, ANSWERING)
    return answered if asked and answered[: len(asked)] == asked else asked + answered


def encode_votes(
    tokenizer: PreTrainedTokenizerFast, chosen: Sequence[Chat], rejected: Sequence[Chat], length: int
) -> Votes:
    """Both answers of every vote within the first `length` tokens; raises TrainingError where there are none."""
    pairs = [
        (encode_chat(tokenizer, better, length), encode_chat(tokenizer, worse, length))
        for better, worse in zip(chosen, rejected, strict=True)
    ]
    kept = [at for at, both in enumerate(pairs) if all((targets != IGNORED).any() for _ids, targets in both)]
    if not kept:
        raise TrainingError(
            f"No vote has both answers within the first {length:,} tokens.",
            "Choose a longer context, or check which columns hold the answers.",
            code="no_answers",
        )
    chosen_side, rejected_side = (_join([pairs[at][side] for at in kept]) for side in (0, 1))
    return Votes(chosen_side, rejected_side, np.array(kept))


def answer_chances(model: nn.Module, conversations: Conversations, indices: Tensor) -> Tensor:
    """Logarithm of the chance that the model gives each answer, summed over its tokens, (B,)."""
    inputs, targets = conversations.batch(indices)
    nats = F.cross_entropy(model(inputs).flatten(0, 1), targets.flatten(), ignore_index=IGNORED, reduction="none")
    return -nats.view_as(targets).sum(1)


def answer_tokens(conversations: Conversations) -> NDArray[np.int64]:
    """Tokens of each answer, (n,)."""
    _inputs, targets = conversations.batch(torch.arange(len(conversations.lengths)))
    return (targets != IGNORED).sum(1).cpu().numpy()


def _join(encoded: list[tuple[NDArray[np.int32], NDArray[np.int64]]]) -> Conversations:
    return Conversations(
        torch.from_numpy(np.concatenate([ids for ids, _targets in encoded])),
        torch.from_numpy(np.concatenate([targets for _ids, targets in encoded])),
        torch.tensor([len(ids) for ids, _targets in encoded]),
    )


def _messages(cell: object, role: str) -> Chat:
    if isinstance(cell, list | pl.Series):
        return [{"role": str(turn["role"] or "user"), "content": str(turn["content"] or "")} for turn in cell]
    return [{"role": role, "content": str(cell or "")}]
