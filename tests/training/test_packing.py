"""Several conversations in one row: nothing changes for any of them, and hardly anything is filled up."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest
import torch
from torch import Tensor, nn

from tests.training.test_loop import curve
from tests.training.tiny_data import causal_model
from training.language.conversations import IGNORED
from training.language.packing import ROW, filled_up, keeps_apart, lay_out
from training.language.stretches import Conversations
from training.loop import train
from training.models.gpt import GPT
from training.models.pretrained_causal import PretrainedCausal
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec

LENGTHS = torch.tensor([5, 9, 3, 7])


@pytest.fixture
def chats() -> Conversations:
    """Four conversations of different lengths, of which every second token is learnt."""
    ids = torch.randint(50, (int(LENGTHS.sum()),), generator=torch.Generator().manual_seed(0), dtype=torch.int32)
    targets = torch.where(torch.arange(len(ids)) % 2 == 0, ids.long(), IGNORED)
    return Conversations(ids, targets, LENGTHS)


def rotary() -> GPT:
    torch.manual_seed(0)
    return with_something_to_say(GPT(50, 32, layers=2, width=16, heads=2))


def learned() -> GPT:
    torch.manual_seed(0)
    return with_something_to_say(GPT(50, 32, layers=2, width=16, heads=2, positions="learned"))


def with_something_to_say(model: GPT) -> GPT:
    """Layers that start at zero say nothing yet."""
    for name, weight in model.named_parameters():
        if name.endswith(("head.weight", "project.weight", "down.weight")):
            nn.init.normal_(weight, std=0.3)
    return model.eval()


def pretrained(folder: Path) -> PretrainedCausal:
    causal_model(folder)
    return PretrainedCausal(folder, 32, method="whole").eval()


def scores_of(model: nn.Module, chats: Conversations, number: int) -> Tensor:
    inputs, _targets = chats.batch(torch.tensor([number]))
    scores: Tensor = model(inputs)[0]
    return scores


@pytest.mark.parametrize("kind", ["rotary", "learned", "pretrained"])
@torch.no_grad()
def test_a_conversation_says_the_same_with_another_one_packed_beside_it(
    chats: Conversations, tmp_path: Path, kind: str
) -> None:
    model = {"rotary": rotary, "learned": learned, "pretrained": lambda: pretrained(tmp_path)}[kind]()
    packed = chats.packed(torch.tensor([2, 1, 3]))
    assert packed.ids.shape == (1, 19)
    starts = (packed.places[0] == 0).nonzero().flatten().tolist()
    together = model(packed.ids, packed.places)[0]
    for number, start in zip([1, 3, 2], starts, strict=True):  # the longest first
        length = int(LENGTHS[number])
        alone = scores_of(model, chats, number)
        assert torch.allclose(together[start : start + length], alone, atol=1e-5)
        assert packed.targets[0, start : start + length].tolist() == chats.batch(torch.tensor([number]))[1][0].tolist()
    assert keeps_apart(model)


def test_a_network_that_mixes_what_shares_a_row_is_found_out() -> None:
    class Mixes(nn.Embedding):
        def forward(self, ids: Tensor, places: Tensor | None = None) -> Tensor:
            return super().forward(ids).cumsum(1)

    class KnowsNoPlaces(nn.Embedding):
        pass

    assert not keeps_apart(Mixes(10, 4))
    assert not keeps_apart(KnowsNoPlaces(10, 4))
    assert keeps_apart(with_something_to_say(GPT(2, 2, layers=1, width=8, heads=1)))  # the least there can be


@pytest.mark.parametrize("lengths", [[150] * 32, torch.randint(20, 256, (64,)).tolist(), [3000, 5, 2990, 7]])
def test_rows_hold_every_piece_once_and_are_nearly_full(lengths: list[int]) -> None:
    rows = lay_out(lengths)
    sizes = [sum(lengths[piece] for piece in row) for row in rows]
    assert sorted(piece for row in rows for piece in row) == list(range(len(lengths)))
    assert max(sizes) <= 2.1 * max(ROW, *lengths)
    assert filled_up(lengths, rows) <= 0.02 * sum(lengths)


def test_a_packed_training_draws_the_curve_of_one_that_is_not(make_data: Callable[..., Path], tmp_path: Path) -> None:
    turns = [
        [{"role": "user", "content": "hi " * (at % 5 + 1)}, {"role": "assistant", "content": f"you {at % 3}"}]
        for at in range(40)
    ]
    settings = {"layers": 1, "width": 16, "heads": 2, "length": 64}
    spec = TrainSpec(
        task="language-modeling",
        data=str(make_data(pl.DataFrame({"chat": turns}))),
        roles={"text": ["chat"]},
        architecture="gpt",
        settings=settings,
        recipe=Recipe(epochs=2, batch_size=8, lr=0.01, evaluations=1),
    )
    packed = list(train(spec, tmp_path / "packed"))
    alone = list(train(spec.model_copy(update={"settings": {**settings, "pack": False}}), tmp_path / "alone"))
    assert curve(packed) == pytest.approx(curve(alone), rel=1e-4)
    filled = [
        Report.model_validate_json((tmp_path / name / "report.json").read_bytes()).facts["Rows filled up"]
        for name in ("packed", "alone")
    ]
    assert filled[0] == "0.0%"
    assert filled[1] != "0.0%"
