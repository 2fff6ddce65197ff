"""Pretrained networks for sounds of any Hugging Face folder (Wav2Vec2, HuBERT, WavLM) with a fresh output layer."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal, TypeAlias

import torch
from safetensors import safe_open
from torch import Tensor, nn
from torch.nn import functional as F

from training.errors import TrainingError

Trained: TypeAlias = Literal["all", "head"]
LETTERS_HEAD = "lm_head"
"""How such models call the layer that answers for letters."""
QUIET = 1e-5


class PretrainedAudio(nn.Module):
    """Waves (B, 1, 1, samples) at 16,000 samples per second to scores (B, outputs), the mean over all moments.

    With `per_moment` to scores (B, moments of about 20 ms, outputs). The first convolutions stay as they are, as in
    Baevski et al., "wav2vec 2.0", 2020, https://arxiv.org/abs/2006.11477
    """

    def __init__(self, folder: Path, outputs: int, *, trained: Trained, dropout: float, per_moment: bool) -> None:
        super().__init__()
        self.folder, self.per_moment = folder, per_moment
        self.network = _load(folder)
        self.is_frozen = trained == "head"
        if self.is_frozen:
            self.network.requires_grad_(False)
        for part in self.network.children():
            if type(part).__name__.endswith("FeatureEncoder"):
                part.requires_grad_(False)
        self.dropout = nn.Dropout(dropout)
        self.head = nn.Linear(int(self.network.config.hidden_size), outputs)  # type: ignore[union-attr, arg-type]
        nn.init.zeros_(self.head.weight)

    def forward(self, sounds: Tensor) -> Tensor:
        waves = sounds.flatten(1)
        waves = F.layer_norm(waves, waves.shape[1:], eps=QUIET)
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.is_frozen):
            notes = self.network(input_values=waves).last_hidden_state
        scores: Tensor = self.head(self.dropout(notes if self.per_moment else notes.mean(dim=1)))
        return scores

    def train(self, mode: bool = True) -> PretrainedAudio:
        """Switch dropout on or off; a frozen network always hears without."""
        super().train(mode)
        if self.is_frozen:
            self.network.eval()
        return self

    @torch.no_grad()
    def take_letters(self, letters: str) -> None:
        """Answer for these letters, 1 and up, and for nothing, 0, as the folder's own output layer does."""
        known = _own_letters(self.folder)
        for place, letter in enumerate(("", *letters)):
            if letter in known:
                weight, bias = known[letter]
                self.head.weight[place] = weight
                self.head.bias[place] = bias


def _own_letters(folder: Path) -> dict[str, tuple[Tensor, Tensor]]:
    """Weights and bias for each letter of a model that was taught to write; "" is nothing, " " parts words."""
    if not (folder / "vocab.json").exists():
        return {}
    heads: dict[str, Tensor] = {}
    for path in folder.glob("*.safetensors"):
        with safe_open(path, framework="pt") as file:
            heads |= {name: file.get_tensor(name) for name in file.keys() if name.startswith(LETTERS_HEAD)}  # noqa: SIM118
    if set(heads) != {f"{LETTERS_HEAD}.weight", f"{LETTERS_HEAD}.bias"}:
        return {}
    weights, biases = heads[f"{LETTERS_HEAD}.weight"].float(), heads[f"{LETTERS_HEAD}.bias"].float()
    numbers: dict[str, int] = json.loads((folder / "vocab.json").read_text())
    plain = {"<pad>": "", "[PAD]": "", "|": " "}
    return {
        plain.get(sign, sign.casefold()): (weights[number], biases[number])
        for sign, number in numbers.items()
        if number < len(weights)
    }


def _load(folder: Path) -> nn.Module:
    from transformers import AutoConfig, AutoModel

    try:
        config = AutoConfig.from_pretrained(folder, trust_remote_code=False)
        config.apply_spec_augment = False  # sounds are varied before they come here
        network: nn.Module = AutoModel.from_pretrained(
            folder, config=config, dtype=torch.float32, use_safetensors=True, trust_remote_code=False
        )
    except (ValueError, KeyError) as error:
        raise _wrong_kind(folder) from error
    if not hasattr(config, "conv_dim") or not hasattr(config, "hidden_size"):
        raise _wrong_kind(folder)
    return network


def _wrong_kind(folder: Path) -> TrainingError:
    return TrainingError(
        f"The model in {folder.name} cannot hear.",
        "Choose one of the Wav2Vec2, HuBERT, WavLM or Data2Vec-audio families.",
        code="wrong_model",
    )
