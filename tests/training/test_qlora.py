"""Thin matrices beside frozen weights of four bits."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from tests.training.test_loop import after, curve
from tests.training.tiny_data import SOURCES, running_text
from training.architectures import Shapes
from training.errors import TrainingError
from training.loop import train
from training.model_folder import load_network
from training.models.pretrained_causal import PretrainedCausal
from training.recipes import Recipe
from training.spec import TrainSpec


@pytest.fixture
def four_bit_spec(make_data: Callable[..., Path], tmp_path: Path) -> TrainSpec:
    """A few steps of a pretrained model in four bits."""
    tiny = running_text(tmp_path)
    (tmp_path / "source").mkdir()
    SOURCES["pretrained-causal"](tmp_path / "source")
    return TrainSpec(
        task="language-modeling",
        data=str(make_data(tiny.frame)),
        roles=tiny.roles,
        architecture="pretrained-causal",
        settings={"source": str(tmp_path / "source"), "length": 32, "method": "qlora"},
        recipe=Recipe(epochs=2, batch_size=8, lr=0.02, evaluations=1),
    )


def test_weights_of_four_bits_say_nearly_what_they_said_before(four_bit_spec: TrainSpec) -> None:
    folder, ids = Path(str(four_bit_spec.settings["source"])), torch.arange(12)[None]
    with torch.no_grad():
        before = PretrainedCausal(folder, 32, method="lora").eval()(ids)
        pressed = PretrainedCausal(folder, 32, method="qlora").eval()
        after_pressing = pressed(ids)
    assert any(weight.dtype is torch.uint8 for weight in pressed.parameters())
    correlation = torch.corrcoef(torch.stack([before.flatten(), after_pressing.flatten()]))[0, 1]
    assert 0.98 < correlation < 1 - 1e-6


def test_a_run_in_four_bits_learns_pauses_and_keeps_only_what_it_learnt(
    four_bit_spec: TrainSpec, tmp_path: Path
) -> None:
    whole = curve(list(train(four_bit_spec, tmp_path / "whole")))
    first = curve(list(train(four_bit_spec, tmp_path / "parts", after(4))))
    assert {**first, **curve(list(train(four_bit_spec, tmp_path / "parts")))} == whole
    assert min(whole.values()) < 0.98 * whole[1]
    kept = load_file(tmp_path / "parts" / "model" / "model.safetensors")
    assert kept
    assert all("lora" in name for name in kept)
    again = load_network(tmp_path / "parts" / "model")
    assert torch.equal(dict(again.named_parameters())[next(iter(kept))], next(iter(kept.values())))


def test_frozen_weights_in_four_bits_are_known_to_take_less(four_bit_spec: TrainSpec) -> None:
    shapes = Shapes(outputs=0, length=32)
    costs = {
        method: four_bit_spec.network().model_copy(update={"method": method}).cost(shapes)
        for method in ("whole", "lora", "qlora")
    }
    assert costs["whole"].frozen == costs["whole"].frozen_bytes == 0
    assert costs["lora"].frozen == costs["qlora"].frozen == costs["whole"].parameters
    assert costs["lora"].frozen_bytes == 4 * costs["lora"].frozen
    assert costs["qlora"].frozen_bytes < 0.6 * costs["lora"].frozen_bytes


def test_without_the_package_the_choice_is_refused_in_words(
    four_bit_spec: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.models.pressed.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="bitsandbytes is not installed"):
        list(train(four_bit_spec, tmp_path / "out"))
