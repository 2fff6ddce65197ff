"""Going on from an earlier run: its weights where they fit, with the vocabulary and scales that they belong to."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from safetensors.torch import load_file
from torch import Tensor, nn

from training.errors import TrainingError
from training.events import Warning
from training.model_folder import WEIGHTS, read_config
from training.spec import TrainSpec
from training.texts.tokenizers import load_tokenizer

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

HEAD = "head"
"""The layer that answers; it is taken over only if the answers are the same."""


def earlier_tokenizer(spec: TrainSpec) -> PreTrainedTokenizerFast | None:
    """The vocabulary of the run that this one starts from; None if it starts afresh or that one read no text."""
    folder = Path(spec.start_from)
    return load_tokenizer(folder) if spec.start_from and (folder / "tokenizer.json").exists() else None


def earlier_preparation(spec: TrainSpec) -> dict[str, object]:
    """What the earlier run knew of its data: scales, labels; empty if this one starts afresh."""
    return dict(read_config(Path(spec.start_from))["preparation"]) if spec.start_from else {}  # type: ignore[call-overload]


def take_over(model: nn.Module, spec: TrainSpec, preparation: dict[str, object]) -> Warning:
    """Copy every weight of the earlier run whose name and shape this network has; says how many there were.

    Raises TrainingError if none fits.
    """
    folder = Path(spec.start_from)
    earlier, own = _one_network(load_file(folder / WEIGHTS)), model.state_dict()
    keep_head = earlier_preparation(spec).get("labels") == preparation.get("labels")
    fitting = {name: value for name, value in earlier.items() if _fits(name, value, own, keep_head=keep_head)}
    if not fitting:
        raise TrainingError(
            "None of the earlier run's weights fits this network.",
            "Choose the same architecture with the same settings, or start afresh.",
            code="no_fit",
        )
    model.load_state_dict(fitting, strict=False)
    count = sum(value.numel() for value in fitting.values())
    total = sum(value.numel() for value in own.values())
    return Warning(message=f"Started from an earlier run: {count:,} of {total:,} numbers were taken over.")


def _one_network(weights: dict[str, Tensor]) -> dict[str, Tensor]:
    """Of an ensemble the first network's weights, under the names that they have in it alone."""
    first = "members.0."
    own = {name.removeprefix(first): value for name, value in weights.items() if name.startswith(first)}
    return own or weights


def _fits(name: str, value: Tensor, own: dict[str, Tensor], *, keep_head: bool) -> bool:
    return name in own and own[name].shape == value.shape and (keep_head or HEAD not in name.split("."))
