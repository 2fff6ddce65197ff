"""What a chat model answers to held-out questions, and how near that comes to the answers given there."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from training.generate import Writer, stream
from training.language.conversations import ANSWERING, Message, prompt_ids, questions
from training.language.sampling import Sampling
from training.resampling import Measure, weighted_mean
from training.texts.written import summary_scores

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast


@dataclass(frozen=True)
class Question:
    """The beginning of a held-out conversation, up to its first answer."""

    messages: list[Message]
    truth: str

    @property
    def shown(self) -> str:
        """What was asked last."""
        return self.messages[-1]["content"]


def held_out_questions(chats: Sequence[list[Message]], most: int) -> list[Question]:
    """The first questions of at most `most` conversations, evenly spaced, with the answers given there."""
    answered = [
        Question(messages, chat[len(messages)]["content"])
        for chat in chats
        if (messages := questions(chat)) and len(chat) > len(messages) and chat[len(messages)]["role"] == ANSWERING
    ]
    places = np.linspace(0, len(answered) - 1, min(most, len(answered))).astype(int)
    return [answered[place] for place in places]


def write_answers(
    model: Writer,
    tokenizer: PreTrainedTokenizerFast,
    asked: Sequence[Question],
    *,
    most_tokens: int,
    device: torch.device,
) -> list[str]:
    """The model's likeliest answer to each question, cut at `most_tokens`."""
    sampling = Sampling(temperature=0, max_tokens=most_tokens)
    prompts = [prompt_ids(tokenizer, question.messages) for question in asked]
    return ["".join(stream(model, tokenizer, ids, sampling, device=device)).strip() for ids in prompts]


def answer_scores(written: Sequence[str], asked: Sequence[Question]) -> dict[str, Measure]:
    """ROUGE-L against the given answers, and the share that is the same but for case and spaces; 0 to 1."""
    truth = [question.truth for question in asked]
    same = [_plain(own) == _plain(right) for own, right in zip(written, truth, strict=True)]
    return {
        "rougel": summary_scores(written, truth)["rougel"],
        "exact_match": weighted_mean(np.array(same, dtype=np.float64)),
    }


def _plain(text: str) -> str:
    return " ".join(text.lower().split())
