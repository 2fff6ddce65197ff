"""Pretrained networks for pictures, read from any Hugging Face folder with a fresh output layer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch import nn

from training.errors import TrainingError


def load_with_fresh_outputs(kind: Any, folder: Path, outputs: int, *, cannot: str, choose: str) -> nn.Module:
    """The network in `folder`, read by one of transformers' `AutoModelFor...` classes, with so many outputs.

    Raises TrainingError, which says what it cannot do and which families to choose from, for a model of another kind.
    """
    try:
        network: nn.Module = kind.from_pretrained(
            folder,
            dtype=torch.float32,
            use_safetensors=True,
            trust_remote_code=False,
            num_labels=outputs,
            ignore_mismatched_sizes=True,
        )
    except (ValueError, KeyError, ImportError) as error:
        message = f"The model in {folder.name} cannot {cannot}."
        raise TrainingError(message, f"Choose one of the {choose}.", code="wrong_model") from error
    return network
