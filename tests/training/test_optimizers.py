"""The optimisers do what their papers say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.recipes import Recipe
from training.techniques.optimizers import Muon, build_optimizers, lr_factor, orthogonalise


def test_orthogonalised_matrices_have_singular_values_around_one() -> None:
    matrices = torch.randn(3, 20, 50, generator=torch.Generator().manual_seed(0))
    for matrix in orthogonalise(matrices):
        values = torch.linalg.svdvals(matrix)
        assert 0.6 < values.min() <= values.max() < 1.3


@pytest.mark.parametrize("weakest", [1.0, 1e-5, 0.0])
def test_wide_matrices_come_out_as_the_iteration_over_all_columns_leaves_them(weakest: float) -> None:
    chance = torch.Generator().manual_seed(0)
    matrices = torch.randn(2, 12, 60, generator=chance)
    matrices[:, -1] *= weakest  # a direction that hardly occurs must neither be lost nor blown up
    x = matrices.double() / matrices.double().norm(dim=(1, 2), keepdim=True)
    for _ in range(5):
        gram = x @ x.mT
        x = 3.4445 * x + (-4.7750 * gram + 2.0315 * gram @ gram) @ x
    torch.testing.assert_close(orthogonalise(matrices).double(), x, atol=1e-4, rtol=1e-4)
    torch.testing.assert_close(orthogonalise(matrices.mT).double(), x.mT, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("shape", [(16, 32), (16, 48)])
def test_muon_steps_like_the_muon_of_torch(shape: tuple[int, int]) -> None:
    weight = torch.randn(shape, generator=torch.Generator().manual_seed(0))
    ours, theirs = nn.Parameter(weight.clone()), nn.Parameter(weight.clone())
    torch.manual_seed(1)
    mine = Muon([ours], lr=0.02, momentum=0.95)
    peer = torch.optim.Muon([theirs], lr=0.02, momentum=0.95, weight_decay=0.0, nesterov=True)
    for _ in range(5):
        gradient = torch.randn(shape)
        ours.grad, theirs.grad = gradient.clone(), gradient.clone()
        mine.step()
        peer.step()
    assert torch.allclose(ours, theirs, atol=2e-3)  # torch iterates in bfloat16


def test_muon_leaves_embeddings_vectors_and_the_head_to_adamw() -> None:
    model = nn.ModuleDict(
        {
            "embedding": nn.Embedding(5, 4),
            "hidden": nn.Linear(4, 4),
            "filters": nn.Conv2d(1, 2, 3),
            "head": nn.Linear(4, 2),
        }
    )
    muon, adamw = build_optimizers(model, Recipe(optimizer="muon", lr=0.02)).parts
    shapes = [tuple(weight.shape) for group in muon.param_groups for weight in group["params"]]
    rest = sum(weight.numel() for group in adamw.param_groups for weight in group["params"])
    assert shapes == [(4, 4), (2, 1, 3, 3)]
    assert rest == sum(weight.numel() for weight in model.parameters()) - 16 - 18


@pytest.mark.parametrize(
    ("schedule", "middle"), [("constant", 1.0), ("linear", 0.5), ("cosine", 0.5), ("flat-linear", 0.5 / 0.6)]
)
def test_schedules_pass_through_their_middle(schedule: str, middle: float) -> None:
    recipe = Recipe(schedule=schedule)  # type: ignore[arg-type]
    assert lr_factor(recipe, 501, 1000) == pytest.approx(middle, abs=0.01)
    assert lr_factor(recipe, 1, 1000) == pytest.approx(1.0, abs=0.01)


def test_the_step_schedule_falls_to_a_tenth_twice() -> None:
    recipe = Recipe(schedule="step")
    assert [lr_factor(recipe, step, 100) for step in (50, 51, 76)] == pytest.approx([1, 0.1, 0.01])


def test_one_cycle_is_that_of_torch() -> None:
    peer = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(peer, 1.0, total_steps=1000, div_factor=25, final_div_factor=400)
    rates = []
    for _ in range(1000):
        rates.append(peer.param_groups[0]["lr"])
        peer.step()
        schedule.step()
    ours = [lr_factor(Recipe(schedule="one-cycle"), step, 1000) for step in range(1, 1001)]
    assert ours == pytest.approx(rates, abs=0.005)


def test_the_inverse_square_root_halves_when_steps_are_fourfold() -> None:
    recipe = Recipe(schedule="inverse-sqrt", warmup=0.1)
    assert lr_factor(recipe, 100, 1000) == 1.0
    assert lr_factor(recipe, 400, 1000) == pytest.approx(0.5)


def test_coslog_ends_its_waves_at_one_three_seven_and_fifteen_fifteenths() -> None:
    recipe = Recipe(schedule="coslog")
    for fifteenths in (0, 1, 3, 7):
        assert lr_factor(recipe, fifteenths * 100 + 1, 1500) == pytest.approx(0.0, abs=1e-6)
    assert lr_factor(recipe, 467, 1500) == pytest.approx(1.0, abs=1e-3)


def stepped(optimizer: str, gradients: list[float], **recipe: object) -> list[float]:
    """A weight that starts at 1, after each correction."""
    model = nn.Linear(1, 1, bias=False)
    nn.init.ones_(model.weight)
    chosen = {"optimizer": optimizer, "lr": 0.1, "momentum": 0.0, "schedule": "constant"} | recipe
    optimizers = build_optimizers(model, Recipe.model_validate(chosen))
    weights = []
    for gradient in gradients:
        model.weight.grad = torch.tensor([[float(gradient)]])
        optimizers.step()
        weights.append(model.weight.item())
    return weights


def test_each_optimiser_takes_the_steps_worked_out_by_hand() -> None:
    assert stepped("sgd", [2, 2]) == pytest.approx([0.8, 0.6])
    assert stepped("sgd", [2, 2], momentum=0.5) == pytest.approx([0.8, 0.5])  # second step 2 + 0.5 * 2
    assert stepped("sgd", [2, 2], momentum=0.5, nesterov=True) == pytest.approx([0.7, 0.35])  # 3, then 2 + 0.5 * 3
    assert stepped("adagrad", [2, 2]) == pytest.approx([0.9, 0.9 - 0.2 / 8**0.5])
    squares = 0.01 * 4, 0.99 * 0.01 * 4 + 0.01 * 4
    rms = stepped("rmsprop", [2, 2])
    assert rms == pytest.approx([0.0, -0.2 / squares[1] ** 0.5], abs=1e-6)
    assert stepped("adam", [2, 2]) == pytest.approx([0.9, 0.8])  # a steady gradient: the rate itself
    assert stepped("adamw", [2], weight_decay=0.5) == pytest.approx([0.95 - 0.1])  # decay first: 1 - 0.1 * 0.5
    assert stepped("lion", [2, -20]) == pytest.approx([0.9, 1.0])  # 0.9 * 0.02 - 2 turns the sign
    assert stepped("lion", [2], weight_decay=0.5) == pytest.approx([0.95 - 0.1])
    assert stepped("sgd", [2], weight_decay=0.5) == pytest.approx([1 - 0.1 * (2 + 0.5)])  # L2: part of the gradient
    assert stepped("rmsprop", [2], momentum=0.5)[0] == pytest.approx(rms[0], abs=1e-6)  # nothing is kept yet


def test_muon_takes_the_step_worked_out_by_hand() -> None:
    weight = nn.Parameter(torch.zeros(2, 2))
    muon = Muon([weight], lr=0.1)
    weight.grad = torch.tensor([[3.0, 0.0], [4.0, 0.0]])  # of rank one: its one direction has the length 1
    length = 1.0
    for _ in range(5):
        length = 3.4445 * length - 4.7750 * length**3 + 2.0315 * length**5
    muon.step()
    expected = [-0.1 * length * part for part in (0.6, 0.0, 0.8, 0.0)]
    assert weight.flatten().tolist() == pytest.approx(expected, abs=1e-5)
    before = weight.detach().clone()
    muon.step()  # a steady gradient: momentum has the same direction
    assert torch.allclose(weight, 2 * before, atol=1e-5)


def test_l1_pulls_every_matrix_towards_zero_and_no_bias() -> None:
    model = nn.Linear(2, 1)
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[3.0, -3.0]]))
    optimizers = build_optimizers(model, Recipe(optimizer="sgd"))
    model.weight.grad, model.bias.grad = torch.zeros(1, 2), torch.zeros(1)
    optimizers.shrink(0.25)
    assert model.weight.grad.tolist() == [[0.25, -0.25]]
    assert model.bias.grad.tolist() == [0.0]
