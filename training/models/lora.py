"""Thin matrices beside frozen ones, so that a large network is taught with few numbers."""

from __future__ import annotations

import warnings
from typing import Literal

from torch import nn


def add_lora(
    network: nn.Module, rank: int, dropout: float, *, task: Literal["CAUSAL_LM", "FEATURE_EXTRACTION"]
) -> nn.Module:
    """The network frozen, with a product of two matrices of this rank beside each of its own; at first it adds zero.

    Hu et al., "LoRA: Low-rank adaptation of large language models", 2021, https://arxiv.org/abs/2106.09685
    """
    from peft import LoraConfig, get_peft_model

    warnings.filterwarnings("ignore", "`is_gradient_checkpointing`", FutureWarning)  # peft asks by the old name
    warnings.filterwarnings("ignore", "fan_in_fan_out is set to False", UserWarning)  # it is, for GPT-2's layers
    config = LoraConfig(task_type=task, r=rank, lora_alpha=2 * rank, lora_dropout=dropout, target_modules="all-linear")
    wrapped: nn.Module = get_peft_model(network, config)
    return wrapped
