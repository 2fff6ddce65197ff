"""Pretrained language models of any Hugging Face folder, trained further whole or through small added matrices."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal, TypeAlias

import torch
from torch import Tensor, nn

from training.errors import TrainingError
from training.models.lora import add_lora
from training.models.pressed import press_weights

Method: TypeAlias = Literal["lora", "qlora", "whole"]
DROPOUTS = ("attention_dropout", "hidden_dropout", "resid_pdrop", "embd_pdrop", "attn_pdrop", "dropout")
"""The names under which model families keep their dropout."""


class PretrainedCausal(nn.Module):
    """Token ids (B, T) in, scores of the next token (B, T, vocabulary) out, with the weights of `folder`.

    With the `places` (B, T) of tokens in their own texts, rows hold several texts; transformers then keeps them apart.
    "lora" freezes them and learns two thin matrices beside each: Hu et al., "LoRA", 2021, arXiv:2106.09685; "qlora"
    also keeps the frozen ones in four bits: see `press_weights`.
    Raises TrainingError if `length`, the tokens to be read at a time, is more than the model can take.
    """

    def __init__(self, folder: Path, length: int, *, method: Method, rank: int = 8, dropout: float = 0.0) -> None:
        super().__init__()
        self.is_pressed = method == "qlora"
        network = _load(folder, dropout if method == "whole" else 0.0, press_weights() if self.is_pressed else {})
        self.length = int(getattr(network.config, "max_position_embeddings", 0) or 0)
        if 0 < self.length < length:
            raise TrainingError(
                f"This model reads at most {self.length:,} tokens at a time, not {length:,}.",
                f"Set the context to {self.length:,} or less.",
                code="context_too_long",
            )
        self.network = network if method == "whole" else add_lora(network, rank, dropout, task="CAUSAL_LM")

    def forward(self, ids: Tensor, places: Tensor | None = None) -> Tensor:
        packed = {} if places is None else {"position_ids": places}
        scores: Tensor = self.network(input_ids=ids, use_cache=False, **packed).logits
        return scores.float()

    def read(self, ids: Tensor, memory: Any) -> tuple[Tensor, Any]:
        """Read on from where `memory` ends: scores of the next token (B, vocabulary), and the new memory."""
        read = self.network(input_ids=ids, past_key_values=memory, use_cache=True, logits_to_keep=1)
        return read.logits[:, -1].float(), read.past_key_values

    def merge(self) -> None:
        """Add the thin matrices into the frozen weights for good: the same answers, faster; not into four bits."""
        if hasattr(self.network, "merge_and_unload") and not self.is_pressed:
            self.network = self.network.merge_and_unload()  # type: ignore[operator]


def _load(folder: Path, dropout: float, storing: dict[str, Any]) -> nn.Module:
    from transformers import AutoConfig, AutoModelForCausalLM

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        for name in DROPOUTS:
            if isinstance(getattr(config, name, None), float):
                setattr(config, name, dropout)
        network: nn.Module = AutoModelForCausalLM.from_pretrained(
            folder, config=config, dtype=torch.float32, use_safetensors=True, trust_remote_code=False, **storing
        )
    except (ValueError, KeyError) as error:
        raise TrainingError(
            f"The model in {folder.name} is of a kind that cannot write.",
            "Choose a model for text generation, such as one of the GPT-2, Llama or Qwen families.",
            code="wrong_model",
        ) from error
    return network
