"""Tables: exact linear models, boosted trees, and what stands beside every result."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch
from sklearn.linear_model import LogisticRegression, Ridge

from tests.training.test_loop import after, curve
from training.architectures import Shapes
from training.architectures.mlp import MLPSettings
from training.device import choose_device
from training.events import Event, Started, Stopped
from training.loop import train
from training.models import lightgbm_forest, softmax_regression
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
from training.tabular.made_columns import find_made

MakeData = Callable[..., Path]


@pytest.fixture
def waves(make_data: MakeData) -> TrainSpec:
    """A number that follows a bend, which a straight line cannot, with gaps and a category."""
    random = np.random.default_rng(0)
    place = random.uniform(-3, 3, 400)
    colour = random.choice(["red", "blue"], 400)
    height = np.sin(2 * place) + (colour == "red") + 0.05 * random.normal(size=400)
    gappy = [None if at % 20 == 0 else value for at, value in enumerate(place.tolist())]
    frame = pl.DataFrame({"place": gappy, "colour": colour, "height": height})
    return TrainSpec(
        task="tabular-regression",
        data=str(make_data(frame)),
        roles={"target": ["height"], "features": ["place", "colour"]},
        architecture="boosted-trees",
        settings={"least_rows": 5},
        recipe=Recipe(epochs=40, lr=0.2, evaluations=40),
    )


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


@pytest.mark.parametrize("library", ["lightgbm", "catboost"])
def test_boosted_trees_tell_every_round_and_answer_as_they_were_judged(
    waves: TrainSpec, tmp_path: Path, library: str
) -> None:
    spec = waves.model_copy(update={"settings": waves.settings | {"library": library}})
    events = learnt(spec, tmp_path)
    losses, held_out = curve(events), curve(events, "val/loss")
    assert list(losses) == list(held_out) == list(range(1, 41))
    assert losses[40] < losses[1]
    report = report_of(tmp_path)
    assert report.metrics["r2"].value > 0.9
    assert held_out[40] == pytest.approx(1 - report.metrics["r2"].value, rel=0.3)

    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    rows = pl.read_parquet(Path(spec.data) / "data.parquet")[predictions["row"].to_list()]
    inputs = rows.select("place", "colour").to_dicts()
    answers = load_predictor(tmp_path / "model", choose_device(Recipe())).answer(inputs, {})
    assert [answer["value"] for answer in answers] == pytest.approx(predictions["prediction"].to_list(), abs=1e-6)


def test_boosted_trees_keep_their_text_and_no_pickle(waves: TrainSpec, tmp_path: Path) -> None:
    learnt(waves, tmp_path)
    files = {path.name for path in (tmp_path / "model").iterdir()}
    assert files == {"config.json", "model.safetensors", "lightgbm.txt"}
    assert (tmp_path / "model" / "lightgbm.txt").read_text().startswith("tree")


def test_counts_of_like_size_are_divided_and_other_numbers_turned_as_on_a_map() -> None:
    rooms, homes, people = [4.0, 6.0, 9.0], [2.0, 0.0, 3.0], [900.0, 800.0, 700.0]
    east, north = [0.5, 1.5, 2.5], [0.1, 1.2, np.nan]
    columns = {"rooms": rooms, "homes": homes, "people": people, "east": east, "north": north}
    numbers = {name: np.array(column) for name, column in columns.items()}
    made = find_made(numbers)
    assert [column.title for column in made][:2] == ["rooms / homes", "homes and east at 15°"]
    assert len(made) == 1 + 2 * 10
    assert made[0].of(numbers).tolist() == pytest.approx([2.0, np.nan, 3.0], nan_ok=True)
    slanting = next(column for column in made if column.title == "east and north at 45°")
    assert slanting.of(numbers)[:2].tolist() == pytest.approx([0.6 * 0.5**0.5, 2.7 * 0.5**0.5])


def test_trees_see_a_ratio_once_it_is_a_column_and_answer_from_it(make_data: MakeData, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rooms, homes = random.integers(1, 400, (2, 600))
    frame = pl.DataFrame({"rooms": rooms, "homes": homes, "worth": np.log(rooms / homes)})
    errors = []
    for made in (False, True):
        spec = TrainSpec(
            task="tabular-regression",
            data=str(make_data(frame, name=f"data-{made}")),
            roles={"target": ["worth"], "features": ["rooms", "homes"]},
            architecture="boosted-trees",
            settings={"made": made},
            recipe=Recipe(epochs=30, lr=0.2),
        )
        learnt(spec, tmp_path / str(made))
        errors.append(report_of(tmp_path / str(made)).metrics["rmse"].value)
    assert errors[1] < 0.7 * errors[0]
    predictor = load_predictor(tmp_path / "True" / "model", choose_device(Recipe()))
    (answer,) = predictor.answer([{"rooms": 300, "homes": 100}], {})
    assert answer["value"] == pytest.approx(np.log(3), abs=0.2)


@pytest.mark.parametrize("library", ["lightgbm", "catboost"])
def test_boosted_trees_stopped_and_resumed_draw_the_curve_of_a_run_that_was_not(
    waves: TrainSpec, tmp_path: Path, library: str
) -> None:
    settings = waves.settings | {"library": library, "row_share": 0.7, "column_share": 0.5}
    spec = waves.model_copy(update={"settings": settings})
    whole = learnt(spec, tmp_path / "whole")
    first = list(train(spec, tmp_path / "parts", after(12)))
    assert isinstance(first[-1], Stopped)
    assert first[-1].step == 12
    rest = learnt(spec, tmp_path / "parts")
    assert next(event for event in rest if isinstance(event, Started)).resumed_from == 12
    assert min(curve(rest)) == 13
    assert {**curve(first), **curve(rest)} == curve(whole)
    assert report_of(tmp_path / "parts").metrics == report_of(tmp_path / "whole").metrics


def test_boosted_trees_with_patience_keep_their_best_round(waves: TrainSpec, tmp_path: Path) -> None:
    recipe = waves.recipe.model_copy(update={"patience": 3, "lr": 1.0, "epochs": 500, "evaluations": 500})
    spec = waves.model_copy(update={"recipe": recipe, "split": waves.split.model_copy(update={"validation": 0.2})})
    losses = curve(learnt(spec, tmp_path), "val/loss")
    best = min(losses, key=lambda step: losses[step])
    assert len(losses) == best + 3 < 500
    text = (tmp_path / "model" / "lightgbm.txt").read_text()
    assert text.count("Tree=") == best


def test_every_result_on_a_table_stands_beside_a_linear_model_and_boosted_trees(
    flower_spec: TrainSpec, tmp_path: Path
) -> None:
    learnt(flower_spec, tmp_path / "mlp")
    linear = flower_spec.model_copy(update={"architecture": "linear", "settings": {}})
    learnt(linear, tmp_path / "linear")
    beside = {key: {baseline.key for baseline in report_of(tmp_path / key).baselines} for key in ("mlp", "linear")}
    assert beside == {"mlp": {"majority", "linear", "boosted-trees"}, "linear": {"majority", "boosted-trees"}}


def test_more_than_two_classes_are_boosted_with_one_tree_each(make_data: MakeData, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    size = random.uniform(0, 3, 300)
    frame = pl.DataFrame({"size": size, "kind": [("small", "middle", "large")[int(value)] for value in size]})
    spec = TrainSpec(
        task="tabular-classification",
        data=str(make_data(frame)),
        roles={"target": ["kind"], "features": ["size"]},
        architecture="boosted-trees",
        recipe=Recipe(epochs=20, lr=0.3),
    )
    learnt(spec, tmp_path)
    assert report_of(tmp_path).metrics["accuracy"].value > 0.95
    config = json.loads((tmp_path / "model" / "config.json").read_bytes())
    assert config["shapes"]["outputs"] == 3


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


def test_a_table_of_categories_alone_is_learnt_beside_its_baselines(waves, tmp_path):
    roles = {"target": ["height"], "features": ["colour"]}
    learnt(waves.model_copy(update={"roles": roles}), tmp_path)
    assert report_of(tmp_path).baselines


def test_numbers_are_cut_where_the_answer_changes_and_read_by_how_far_they_come() -> None:
    column = torch.cat([torch.zeros(100), torch.linspace(1, 3, 100)])
    reader = PieceNumbers(1, width=4, pieces=2)
    reader.cut(column[:, None], (column > 0.5).long())
    assert reader.start[0].tolist() == [0.0, 0.5]
    assert (1 / reader.slope[0]).tolist() == [0.5, 2.5]
    with torch.no_grad():
        reader.weight.copy_(torch.eye(4)[:3][None])
    assert reader(torch.tensor([[0.25], [1.75]])).tolist() == [[0.5, 0.0, 0.25, 0.0], [1.0, 0.5, 1.75, 0.0]]


def test_trees_mind_a_rare_class_more_where_classes_count_the_same(make_data: MakeData, tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    size = random.normal(size=600)
    kind = np.where(size + random.normal(size=600) > 1.8, "rare", "usual")
    data = str(make_data(pl.DataFrame({"size": size, "kind": kind})))
    balanced = []
    for weights in ("none", "balanced"):
        spec = TrainSpec(
            task="tabular-classification",
            data=data,
            roles={"target": ["kind"], "features": ["size"]},
            architecture="boosted-trees",
            recipe=Recipe(epochs=20, class_weights=weights),
        )
        learnt(spec, tmp_path / weights)
        balanced.append(report_of(tmp_path / weights).metrics["balanced_accuracy"].value)
    assert balanced[1] > balanced[0]


def test_many_rows_are_given_to_trees_in_batches_and_teach_the_same(
    waves: TrainSpec, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = learnt(waves, tmp_path / "whole")
    monkeypatch.setattr(lightgbm_forest, "MOST_CELLS", 0)
    monkeypatch.setattr(lightgbm_forest, "ROWS_AT_ONCE", 32)
    batches = learnt(waves, tmp_path / "batches")
    assert curve(batches, "val/loss") == curve(whole, "val/loss")
    assert report_of(tmp_path / "batches").metrics == report_of(tmp_path / "whole").metrics


def test_losses_of_trees_are_told_as_often_as_asked_the_last_round_included(waves: TrainSpec, tmp_path: Path) -> None:
    spec = waves.model_copy(update={"recipe": waves.recipe.model_copy(update={"evaluations": 3})})
    assert list(curve(learnt(spec, tmp_path), "val/loss")) == [13, 27, 40]
