"""A finished language model at work: it goes on from a text, or answers in a conversation."""

from __future__ import annotations

from collections.abc import Callable, Generator
from pathlib import Path
from typing import ClassVar, cast

from pydantic import ValidationError

from training.device import Device
from training.errors import TrainingError
from training.generate import Ending, Writer, stream
from training.language.conversations import prompt_ids
from training.language.sampling import Sampling
from training.model_folder import load_network
from training.models.pretrained_causal import PretrainedCausal
from training.predict import PREDICTORS
from training.recipes import Settings
from training.spec import plain_words
from training.texts.tokenizers import load_tokenizer


class Turn(Settings):
    """What one speaker said."""

    role: str
    content: str


class Asked(Settings):
    """A text to go on from, or a conversation to answer."""

    prompt: str = ""
    messages: tuple[Turn, ...] = ()


@PREDICTORS.register("language-modeling")
@PREDICTORS.register("preference-tuning")
class LanguagePredictor:
    """Goes on from {"prompt": text}, or answers {"messages": [{"role", "content"}]}."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        self.tokenizer = load_tokenizer(folder)
        self.model = load_network(folder).to(device.torch)
        if isinstance(self.model, PretrainedCausal):
            self.model.merge()
        self.device = device

    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"text"} per input."""
        return [{"text": "".join(self.stream(each, options, lambda: False))} for each in inputs]

    def stream(
        self, given: dict[str, object], options: dict[str, object], cancelled: Callable[[], bool]
    ) -> Generator[str, None, Ending]:
        """The answer piece by piece; returns how it ended. Raises TrainingError for an input that says nothing."""
        try:
            sampling, asked = Sampling.model_validate(options), Asked.model_validate(given)
        except ValidationError as error:
            raise TrainingError(plain_words(error), "Change it and ask again.", code="bad_input") from error
        model = cast(Writer, self.model)
        return stream(model, self.tokenizer, self._prompt(asked), sampling, cancelled, self.device.torch)

    def _prompt(self, asked: Asked) -> list[int]:
        """A conversation in the model's own form; for a model that only continues texts, what was said last."""
        messages = [message.model_dump() for message in asked.messages]
        if messages and self.tokenizer.chat_template:
            return prompt_ids(self.tokenizer, messages)
        text = asked.prompt or (messages[-1]["content"] if messages else "") or "\n"
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids
