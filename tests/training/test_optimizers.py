"""The optimisers do what their papers say."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from training.optimizers import Muon, build_optimizers, lr_factor, orthogonalise
from training.recipes import Recipe


def test_orthogonalised_matrices_have_singular_values_around_one() -> None:
    matrices = torch.randn(3, 20, 50, generator=torch.Generator().manual_seed(0))
    for matrix in orthogonalise(matrices):
        values = torch.linalg.svdvals(matrix)
        assert 0.6 < values.min() <= values.max() < 1.3


def test_muon_steps_like_the_muon_of_torch() -> None:
    weight = torch.randn(16, 32, generator=torch.Generator().manual_seed(0))
    ours, theirs = nn.Parameter(weight.clone()), nn.Parameter(weight.clone())
    torch.manual_seed(1)
    mine = Muon([ours], lr=0.02, momentum=0.95)
    peer = torch.optim.Muon([theirs], lr=0.02, momentum=0.95, weight_decay=0.0, nesterov=True)
    for _ in range(5):
        gradient = torch.randn(16, 32)
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
