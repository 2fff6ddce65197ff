"""A finished translator or summariser at work, and where it looked."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, cast

import torch
from pydantic import Field, ValidationError
from torch import Tensor

from training.device import Device
from training.errors import TrainingError
from training.model_folder import load_network, read_config
from training.predict import PREDICTORS
from training.recipes import Settings
from training.spec import plain_words
from training.texts.beam import Translator, search
from training.texts.reading import encode_texts
from training.texts.tokenizers import load_tokenizer
from training.texts.written import read_text

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

MOST_SHOWN = 40
"""Words of either side in a map of attention."""
SPACES = ("Ġ", "▁")
"""How vocabularies of byte pairs and of sentencepiece mark a piece that begins a word."""


class Care(Settings):
    """How carefully to write."""

    beams: int = Field(
        4, ge=1, le=16, title="Beams", description="Beginnings that are kept side by side; 1 is fastest."
    )
    explain: bool = Field(False, title="Explain", description="Also say which words were looked at.")


@PREDICTORS.register("translation")
@PREDICTORS.register("summarization")
class TranslationPredictor:
    """Answers {"text": ...}, or the source's column, with {"text", "confidence"}; `explain` adds "attention"."""

    key: ClassVar[str]

    def __init__(self, folder: Path, device: Device) -> None:
        config = read_config(folder)
        prepared = cast(dict[str, str], config["preparation"])
        self.column, self.prefix = prepared["column"], prepared["prefix"]
        self.length = int(cast(dict[str, int], config["shapes"])["length"]) - 1
        self.tokenizer = load_tokenizer(folder)
        self.end = int(self.tokenizer.eos_token_id or 0)
        self.model = load_network(folder).to(device.torch)
        self.device = device

    @torch.no_grad()
    def answer(self, inputs: list[dict[str, object]], options: dict[str, object]) -> list[dict[str, object]]:
        """One {"text", "confidence"} per input. Raises TrainingError for an input without text."""
        try:
            care = Care.model_validate(options)
        except ValidationError as error:
            raise TrainingError(plain_words(error), "Change it and ask again.", code="bad_input") from error
        encoded = encode_texts(self.tokenizer, [self.prefix + self._text(row) for row in inputs], self.length)
        answers: list[dict[str, object]] = []
        model = cast(Translator, self.model)
        for number in range(len(inputs)):
            source, mask = encoded.batch([number], self.device.torch)
            most = min(self.length, 16 + 2 * source.shape[1])
            found = search(model, source, mask, end=self.end, most=most, beams=care.beams)
            answer = {"text": read_text(self.tokenizer, found.ids[0]), "confidence": float(found.confidence[0])}
            answers.append(answer | (self._attention(source, mask, found.ids[0]) if care.explain else {}))
        return answers

    def _attention(self, source: Tensor, mask: Tensor, written: list[int]) -> dict[str, object]:
        """{"attention": {"source": words, "target": words, "weights": rows of shares, one for each written word}}."""
        model = cast(Translator, self.model)
        inputs = torch.tensor([[model.start, *written]], device=source.device)[:, :-1]
        if not written:
            return {}
        weights = model.attention(source, mask, inputs)[0].double().cpu()
        read_words, read_at = words_of(self.tokenizer, source[0].tolist())
        own_words, own_at = words_of(self.tokenizer, written)
        across = torch.zeros(len(own_at), len(read_words), dtype=weights.dtype)
        across.index_add_(1, torch.tensor(read_at), weights)
        rows = torch.zeros(len(own_words), len(read_words), dtype=weights.dtype)
        rows.index_add_(0, torch.tensor(own_at), across)
        rows /= rows.sum(1, keepdim=True)
        shown = rows[:MOST_SHOWN, :MOST_SHOWN]
        return {
            "attention": {
                "source": read_words[:MOST_SHOWN],
                "target": own_words[:MOST_SHOWN],
                "weights": [[round(share, 4) for share in row] for row in shown.tolist()],
            }
        }

    def _text(self, row: dict[str, object]) -> str:
        value = row.get(self.column) or row.get("text")
        if not value or not str(value).strip():
            wanted = " or ".join(f"“{column}”" for column in dict.fromkeys(["text", self.column]))
            raise TrainingError("There is no text to read.", f"Give it as {wanted}.", code="no_text")
        return str(value).strip()


def words_of(tokenizer: PreTrainedTokenizerFast, ids: list[int]) -> tuple[list[str], list[int]]:
    """The words that these tokens make up, and the number of the word that each token belongs to."""
    groups: list[list[int]] = []
    numbers: list[int] = []
    for token, piece in zip(ids, cast(list[str], tokenizer.convert_ids_to_tokens(ids)), strict=True):
        if not groups or piece.startswith(SPACES) or token in tokenizer.all_special_ids:
            groups.append([])
        groups[-1].append(token)
        numbers.append(len(groups) - 1)
    words = [read_text(tokenizer, group) or str(tokenizer.decode(group)) for group in groups]
    return words, numbers
