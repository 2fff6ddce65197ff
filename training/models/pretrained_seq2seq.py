"""Pretrained models of any Hugging Face folder that read one text and write another."""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeAlias

import torch
from torch import Tensor, nn

from training.errors import TrainingError

Memory: TypeAlias = tuple[Tensor, Any, Any]
"""Where source tokens stand, what the encoder made of them, and transformers' cache of what was written."""


class PretrainedSeq2Seq(nn.Module):
    """Source ids (B, S) with their mask and ids written so far (B, T) in, scores (B, T, vocabulary) out.

    `start` opens a text where the model's own configuration does not say what does.
    """

    def __init__(self, folder: Path, *, start: int) -> None:
        super().__init__()
        self.network = _load(folder)
        own = self.network.config.decoder_start_token_id
        self.start = start if own is None else int(own)

    def forward(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        read = self.network(input_ids=source, attention_mask=mask, decoder_input_ids=inputs, use_cache=False)
        scores: Tensor = read.logits
        return scores.float()

    def remember(self, source: Tensor, mask: Tensor) -> Memory:
        """What the encoder makes of the source, and nothing written yet."""
        return mask, self.network.get_encoder()(input_ids=source, attention_mask=mask), None

    def write(self, ids: Tensor, memory: Memory) -> tuple[Tensor, Memory]:
        """Scores of the next token (B, vocabulary) after one more token (B,), and the memory with it."""
        mask, read, written = memory
        found = self.network(
            encoder_outputs=read,
            attention_mask=mask,
            decoder_input_ids=ids[:, None],
            past_key_values=written,
            use_cache=True,
        )
        return found.logits[:, -1].float(), (mask, read, found.past_key_values)

    def pick(self, memory: Memory, rows: Tensor) -> Memory:
        """The memory of these rows."""
        mask, read, written = memory
        if written is not None:
            written.reorder_cache(rows)
        return mask[rows], type(read)(last_hidden_state=read.last_hidden_state[rows]), written

    def attention(self, source: Tensor, mask: Tensor, inputs: Tensor) -> Tensor:
        """Where the last layer looked at each token, the mean over its heads: (B, T, S)."""
        before = self.network.config._attn_implementation
        self.network.set_attn_implementation("eager")  # the faster ways keep no weights
        found = self.network(
            input_ids=source, attention_mask=mask, decoder_input_ids=inputs, use_cache=False, output_attentions=True
        )
        self.network.set_attn_implementation(before)
        looks: Tensor = found.cross_attentions[-1].mean(1)
        return looks


def _load(folder: Path) -> Any:
    from transformers import AutoModelForSeq2SeqLM

    try:
        return AutoModelForSeq2SeqLM.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        )
    except (ValueError, KeyError) as error:
        raise TrainingError(
            f"The model in {folder.name} is of a kind that does not turn one text into another.",
            "Choose a model for translating or summarising, such as one of the T5 or BART families.",
            code="wrong_model",
        ) from error
