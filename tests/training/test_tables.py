"""Tables: exact linear models, perceptrons and FT-Transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from training.architectures import Shapes
from training.architectures.mlp import MLPSettings
from training.device import choose_device
from training.events import Event
from training.loop import train
from training.models import softmax_regression
from training.models.ft_transformer import FTTransformer, NumberTokens, read_off
from training.models.linear import least_squares
from training.models.mlp import MLP, bend
from training.models.numbers import PieceNumbers
from training.models.softmax_regression import softmax_rounds
from training.models.text_transformer import Block
from training.predict import load_predictor
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec

MakeData = Callable[..., Path]


def report_of(folder: Path) -> Report:
    return Report.model_validate_json((folder / "report.json").read_bytes())


def learnt(spec: TrainSpec, folder: Path) -> list[Event]:
    events = list(train(spec, folder))
    assert events[-1].type == "finished"
    return events


def test_least_squares_finds_the_line_through_four_points(make_data: MakeData, tmp_path: Path) -> None:
    frame = pl.DataFrame({"x": [1, 2, 3, 4, 5], "y": [2, 4, 6, 8, 10]})
    spec = TrainSpec(
        task="tabular-regression",
        data=str(make_data(frame, ["train"] * 4 + ["test"])),
        roles={"target": ["y"], "features": ["x"]},
        architecture="linear",
        recipe=Recipe(epochs=1),
    )
    learnt(spec, tmp_path / "run")
    facts = report_of(tmp_path / "run").facts
    assert facts["Weight of x"] == pytest.approx(2)
    assert facts["Constant"] == pytest.approx(0, abs=1e-12)
    predictor = load_predictor(tmp_path / "run" / "model", choose_device(Recipe()))
    assert predictor.answer([{"x": 7}], {})[0]["value"] == pytest.approx(14)


def test_least_squares_is_that_of_scikit_learn_also_with_a_penalty() -> None:
    random = np.random.default_rng(0)
    inputs, targets = random.normal(size=(50, 4)), random.normal(size=50)
    for decay in (0.0, 0.3):
        weights, bias = least_squares(torch.from_numpy(inputs), torch.from_numpy(targets), decay)
        peer = Ridge(alpha=50 * decay, solver="svd").fit(inputs, targets)
        assert np.allclose(weights, peer.coef_)
        assert float(bias) == pytest.approx(peer.intercept_)


def test_least_squares_shares_the_weight_between_columns_that_say_the_same() -> None:
    column = torch.arange(6.0).double()
    weights, _bias = least_squares(torch.stack([column, column], dim=1), 4 * column)
    assert torch.allclose(weights, torch.tensor([2.0, 2.0]).double())


@pytest.mark.parametrize("most_curved", [0, 1_000])
def test_logistic_regression_is_that_of_scikit_learn(most_curved: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(softmax_regression, "MOST_CURVED", most_curved)
    random = np.random.default_rng(0)
    inputs = random.normal(size=(200, 3))
    classes = (inputs @ [1.0, -2.0, 0.5] + random.normal(size=200) > 0).astype(int) + (inputs[:, 0] > 1)
    *_, (weights, _loss) = softmax_rounds(
        torch.from_numpy(inputs), torch.from_numpy(classes), 3, decay=0.01, iterations=500
    )
    peer = LogisticRegression(C=1 / (200 * 0.01), tol=1e-10, max_iter=10_000).fit(inputs, classes)
    probabilities = (torch.from_numpy(inputs) @ weights[:, :-1].T + weights[:, -1]).softmax(dim=1)
    assert np.allclose(probabilities, peer.predict_proba(inputs), atol=1e-3)


def test_newtons_steps_come_to_rest_where_columns_say_the_same_and_classes_lie_apart() -> None:
    inputs = torch.tensor([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0], [30.0, 30.0]]).double()
    rounds = list(softmax_rounds(inputs, torch.tensor([0, 0, 1, 1]), 2, decay=1e-6, iterations=100))
    losses = [loss for _weights, loss in rounds]
    assert len(rounds) < 40
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] < 1e-3
    assert rounds[-1][0][1, 0] == pytest.approx(float(rounds[-1][0][1, 1]))


def test_a_straight_line_learns_and_but_not_exclusive_or(make_data: MakeData, tmp_path: Path) -> None:
    corners = [(0, 0), (0, 1), (1, 0), (1, 1)] * 10
    frame = pl.DataFrame({"a": [a for a, _ in corners], "b": [b for _, b in corners]})
    frame = frame.with_columns(
        both=(pl.col("a") & pl.col("b")).cast(pl.String), one=(pl.col("a") ^ pl.col("b")).cast(pl.String)
    )
    data = str(make_data(frame, ["train"] * 20 + ["test"] * 20))
    accuracy = {}
    for target in ("both", "one"):
        spec = TrainSpec(
            task="tabular-classification",
            data=data,
            roles={"target": [target], "features": ["a", "b"]},
            architecture="linear",
            recipe=Recipe(epochs=100, weight_decay=1e-4),
        )
        learnt(spec, tmp_path / target)
        accuracy[target] = report_of(tmp_path / target).metrics["accuracy"].value
    assert accuracy["both"] == 1.0
    assert accuracy["one"] <= 0.75


def test_members_that_share_their_layers_learn_apart_and_answer_together(
    flower_spec: TrainSpec, tmp_path: Path
) -> None:
    spec = flower_spec.model_copy(update={"settings": {"hidden_sizes": "8", "members": 3}})
    learnt(spec, tmp_path)
    assert report_of(tmp_path).metrics["accuracy"].value > 0.7
    model = MLP(Shapes(outputs=2, numbers=4), hidden=[5], members=3)
    numbers, codes = torch.randn(7, 4), torch.zeros(7, 0, dtype=torch.int64)
    each = model(numbers, codes)
    assert each.shape == (7, 3, 2)
    probabilities = model.eval()(numbers, codes).softmax(dim=1)
    assert torch.allclose(probabilities, each.softmax(dim=2).mean(dim=1), atol=1e-6)


def test_one_member_sees_what_it_would_see_alone() -> None:
    shapes = Shapes(outputs=1, numbers=4)
    crowd, alone = MLP(shapes, hidden=[5], members=2), MLP(shapes, hidden=[5])
    alone.hidden.load_state_dict(crowd.hidden.state_dict())
    assert crowd.members is not None
    with torch.no_grad():
        alone.head.weight.copy_(crowd.head.weight[1:])
        alone.head.bias.copy_(crowd.head.bias[1:])
    numbers, codes = torch.randn(6, 4), torch.zeros(6, 0, dtype=torch.int64)
    assert torch.allclose(crowd(numbers, codes)[:, 1], alone(numbers * crowd.members.scales[1], codes), atol=1e-6)


def test_a_parametric_activation_learns_a_slope_for_each_unit() -> None:
    layer = bend("parametric", 2)
    layer(torch.tensor([[-2.0, 3.0]])).sum().backward()
    (slopes,) = layer.parameters()
    assert layer(torch.tensor([[-2.0, 3.0]])).tolist() == [[-0.5, 3.0]]
    assert slopes.grad is not None
    assert slopes.grad.tolist() == [-2.0, 0.0]
    assert MLPSettings(activation="parametric", hidden_sizes="8-4").cost(Shapes(outputs=3, numbers=5)).parameters == 111


def test_an_ft_transformer_sees_what_two_columns_say_only_together(make_data: MakeData, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    colour, sign = random.choice(["red", "blue"], 300), random.choice([-1.0, 1.0], 300)
    together = np.where((colour == "red") == (sign > 0), "same", "different")
    spec = TrainSpec(
        task="tabular-classification",
        data=str(make_data(pl.DataFrame({"colour": colour, "sign": sign, "together": together}))),
        roles={"target": ["together"], "features": ["colour", "sign"]},
        architecture="ft-transformer",
        settings={"layers": 1, "width": 16, "heads": 4},
        recipe=Recipe(epochs=15, batch_size=32, lr=3e-3),
    )
    learnt(spec, tmp_path)
    report = report_of(tmp_path)
    assert report.metrics["accuracy"].value == 1.0
    assert next(one for one in report.baselines if one.key == "linear").metrics["accuracy"].value < 0.7


def test_an_ft_transformer_makes_a_token_of_every_column_and_one_more() -> None:
    model = FTTransformer(Shapes(outputs=3, numbers=2, categories=(4, 5)), width=8, layers=1, heads=2, dropout=0.0)
    numbers, codes = torch.randn(6, 2), torch.zeros(6, 2, dtype=torch.int64)
    tokens = model.tokens(numbers, codes)
    assert tokens.shape == (6, 5, 8)
    assert isinstance(model.numbers, NumberTokens)
    assert torch.allclose(tokens[:, 2], numbers[:, 1:] * model.numbers.weight[1] + model.numbers.bias[1])
    assert model(numbers, codes).shape == (6, 3)


def test_what_is_read_off_a_block_is_what_it_makes_of_the_first_token() -> None:
    torch.manual_seed(0)
    block = Block(width=8, heads=2, dropout=0.0)
    for last in (block.mix, block.narrow):  # they start at zero, where every block says the same
        torch.nn.init.normal_(last.weight)
    tokens = torch.randn(5, 4, 8)
    assert torch.allclose(read_off(block, tokens), block(tokens, None)[:, 0], atol=1e-6)


def test_numbers_are_cut_where_the_answer_changes_and_read_by_how_far_they_come() -> None:
    column = torch.cat([torch.zeros(100), torch.linspace(1, 3, 100)])
    reader = PieceNumbers(1, width=4, pieces=2)
    reader.cut(column[:, None], (column > 0.5).long())
    assert reader.start[0].tolist() == [0.0, 0.5]
    assert (1 / reader.slope[0]).tolist() == [0.5, 2.5]
    with torch.no_grad():
        reader.weight.copy_(torch.eye(4)[:3][None])
    assert reader(torch.tensor([[0.25], [1.75]])).tolist() == [[0.5, 0.0, 0.25, 0.0], [1.0, 0.5, 1.75, 0.0]]
