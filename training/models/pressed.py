"""Frozen weights pressed to four bits each, so that large pretrained models fit where they are taught."""

from __future__ import annotations

from importlib.util import find_spec
from typing import Any

import torch

from training.errors import TrainingError


def press_weights() -> dict[str, Any]:
    """What transformers has to be told when it reads a model, to keep its weights in the 4 bits of NF4 on the device.

    Dettmers et al., "QLoRA: Efficient finetuning of quantized LLMs", 2023, https://arxiv.org/abs/2305.14314. Raises
    TrainingError where the package that does it is not there.
    """
    if find_spec("bitsandbytes") is None:
        raise TrainingError(
            "Weights cannot be pressed to 4 bits here: the package bitsandbytes is not installed.",
            "Choose LoRA, or have it installed: pip install bitsandbytes.",
            code="no_package",
        )
    from transformers import BitsAndBytesConfig

    config = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=_half() if torch.cuda.is_available() else torch.float32,
    )
    place = torch.cuda.current_device() if torch.cuda.is_available() else "cpu"
    return {"quantization_config": config, "device_map": {"": place}}


def _half() -> torch.dtype:
    return torch.bfloat16 if torch.cuda.is_bf16_supported() else torch.float16
