"""Pretrained networks of any Hugging Face folder that read: a fresh output layer, trained further whole or in part."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, TypeAlias

import torch
from torch import Tensor, nn

from training.errors import TrainingError
from training.models.lora import add_lora
from training.models.text_parts import masked_last, masked_mean

Trained: TypeAlias = Literal["all", "last", "head", "lora"]
Pooling: TypeAlias = Literal["mean", "last"]
POOLINGS = {"mean": masked_mean, "last": masked_last}


class PretrainedEncoder(nn.Module):
    """Token ids (B, T) with a mask (B, T) that is true where a token stands, to scores (B, outputs).

    Without outputs to the summed-up notes themselves (B, D), with `per_token` to scores (B, T, outputs) of every token.
    To sum up, the last layer's notes are averaged over the text, as in Reimers and Gurevych, "Sentence-BERT", 2019, or
    those of its last token are taken, which alone has seen the whole text where a network reads in one direction:
    Radford et al., "Improving language understanding", 2018.
    """

    def __init__(
        self,
        folder: Path,
        outputs: int,
        *,
        trained: Trained,
        last_layers: int = 0,
        rank: int = 8,
        dropout: float,
        per_token: bool = False,
        pooling: Pooling = "mean",
    ) -> None:
        super().__init__()
        self.per_token, self.pool = per_token, POOLINGS[pooling]
        network = _load(folder)
        self.head = nn.Linear(_width(network), outputs) if outputs else nn.Identity()
        self.is_frozen = trained == "head"
        if trained in ("last", "head"):
            _freeze(network, last_layers if trained == "last" else 0)
        self.network = add_lora(network, rank, dropout, task="FEATURE_EXTRACTION") if trained == "lora" else network
        self.dropout = nn.Dropout(dropout)
        if isinstance(self.head, nn.Linear):
            nn.init.zeros_(self.head.weight)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            notes = self.network(input_ids=ids, attention_mask=mask.long()).last_hidden_state
        scores: Tensor = self.head(self.dropout(notes if self.per_token else self.pool(notes, mask)))
        return scores

    def train(self, mode: bool = True) -> PretrainedEncoder:
        """Switch dropout on or off; a frozen encoder always reads without."""
        super().train(mode)
        if self.is_frozen:
            self.network.eval()
        return self


def _load(folder: Path) -> nn.Module:
    from transformers import AutoModel

    try:
        network: nn.Module = AutoModel.from_pretrained(
            folder, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        )
    except (ValueError, KeyError) as error:
        raise _wrong_kind(folder) from error
    if getattr(network.config, "is_encoder_decoder", False) or not _width(network):
        raise _wrong_kind(folder)
    network.config.use_cache = False  # type: ignore[union-attr]  # nothing is written on
    if hasattr(network, "pooler"):
        network.pooler = None  # type: ignore[assignment]  # a layer that reads the first token only; not used
    return network


def _width(network: nn.Module) -> int:
    return int(getattr(network.config, "hidden_size", 0))


def _freeze(network: nn.Module, last_layers: int) -> None:
    """Keep all weights as they are but those of the last layers."""
    network.requires_grad_(False)
    stacks = [part for part in network.modules() if isinstance(part, nn.ModuleList)]
    layers = max(stacks, key=len, default=nn.ModuleList())
    for layer in layers[len(layers) - min(last_layers, len(layers)) :]:
        layer.requires_grad_(True)


def _wrong_kind(folder: Path) -> TrainingError:
    return TrainingError(
        f"The model in {folder.name} is of a kind that cannot read whole texts.",
        "Choose one that reads, such as of the BERT, RoBERTa or MiniLM families, or a language model such as GPT-2.",
        code="wrong_model",
    )
