"""Learning to sort texts, from the spec to the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import torch

from tests.training.tiny_data import causal_model, encoder
from training.architectures import ARCHITECTURES, Architecture, Facts, Shapes, architectures_for
from training.device import Device
from training.errors import TrainingError
from training.loop import train
from training.objectives.text import TextPredictor
from training.pretrained.packaged import ENCODER_MODEL
from training.recipes import PRESETS, Recipe
from training.spec import TrainSpec

TASK = "text-classification"
CPU = Device(torch.device("cpu"), torch.float32)
GOOD, BAD = ["lovely", "great", "happy", "warm"], ["awful", "sad", "cold", "broken"]
SMALL: dict[str, dict[str, Any]] = {
    "counted-words": {},
    "text-recurrent": {"width": 16, "length": 16},
    "text-bag": {"width": 16, "length": 16, "buckets": 500},
    "text-cnn": {"width": 16, "length": 16, "runs": "1-2", "detectors": 8},
    "text-transformer": {"width": 16, "heads": 2, "layers": 1, "length": 16},
    "pretrained-encoder": {"length": 16},
    "causal-reader": {"length": 16, "trained": "all"},
}

READERS = [one for one in architectures_for(TASK) if "counted" in one.model_fields]
"""Networks, which may build on counted words."""


@pytest.fixture(scope="module")
def reviews() -> pl.DataFrame:
    """Short reviews whose words say what they think, one of them empty."""
    rows = []
    for at in range(160):
        word = (GOOD, BAD)[at % 2][at // 2 % 4]
        rows.append({"title": f"Visit {at}", "review": f"The room was {word}.", "liked": at % 2 == 0})
    return pl.DataFrame([*rows, {"title": None, "review": None, "liked": True}])


@pytest.fixture
def text_spec(
    make_data: Callable[..., Path], reviews: pl.DataFrame, pretrained: dict[str, Path]
) -> Callable[..., TrainSpec]:
    """text_spec(architecture, **settings): a run of some seconds on the reviews."""
    data = make_data(reviews)

    def make(architecture: str, recipe: dict[str, object] | None = None, **settings: object) -> TrainSpec:
        chosen = SMALL[architecture] | settings
        changed = {"epochs": 12, "batch_size": 8, "lr": 5e-3, "evaluations": 2} | (recipe or {})
        if architecture in pretrained:
            chosen = {"source": str(pretrained[architecture])} | chosen
        return TrainSpec(
            task=TASK,
            data=str(data),
            roles={"target": ["liked"], "text": ["title", "review"]},
            architecture=architecture,
            settings=chosen,
            recipe=Recipe.model_validate(changed),
        )

    return make


@pytest.fixture(scope="module")
def pretrained(tmp_path_factory: pytest.TempPathFactory, reviews: pl.DataFrame) -> dict[str, Path]:
    """Very small Hugging Face folders that know nothing yet, by the architecture that starts from one."""
    texts = reviews["review"].drop_nulls().to_list()
    folders = {key: tmp_path_factory.mktemp(key) for key in ("pretrained-encoder", "causal-reader")}
    encoder(folders["pretrained-encoder"], texts)
    causal_model(folders["causal-reader"], texts)
    return folders


def finish(spec: TrainSpec, folder: Path) -> dict[str, Any]:
    for _ in train(spec, folder):
        pass
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


@pytest.mark.parametrize("counted", [False, True])
@pytest.mark.parametrize("architecture", [one.key for one in READERS])
def test_every_architecture_learns_to_sort_texts(
    architecture: str, counted: bool, text_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    report = finish(text_spec(architecture, counted=counted), tmp_path)
    assert report["metrics"]["accuracy"]["value"] > 0.9
    assert set(report["confusion"]["labels"]) == {"false", "true"}
    assert report["hardest"]


def test_the_result_stands_beside_the_majority_and_a_linear_model(
    text_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    report = finish(text_spec("text-recurrent", recipe={"epochs": 1}), tmp_path)
    found = {baseline["key"]: baseline["metrics"]["accuracy"]["value"] for baseline in report["baselines"]}
    assert found["tfidf"] > 0.9
    assert 0.3 < found["majority"] < 0.7
    assert report["facts"]["Vocabulary"] > 10


def test_a_finished_model_answers_by_text_or_by_column_and_says_which_words_mattered(
    text_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    finish(text_spec("text-recurrent", counted=True), tmp_path)
    predictor = TextPredictor(tmp_path / "model", CPU)
    inputs: list[dict[str, object]] = [{"text": "A great room"}, {"review": "So awful"}, {"text": ""}]
    good, bad, _ = predictor.answer(inputs, {})
    assert (good["label"], bad["label"]) == ("true", "false")
    assert sum(good["probabilities"].values()) == pytest.approx(1)  # type: ignore[attr-defined]
    explained = predictor.answer([{"text": "The room was broken"}], {"explain": True})[0]
    words: list[dict[str, Any]] = explained["words"]  # type: ignore[assignment]
    assert max(words, key=lambda word: word["weight"])["word"] == "broken"
    with pytest.raises(TrainingError, match="no text"):
        predictor.answer([{"colour": "red"}], {})


@pytest.mark.parametrize("architecture", ["text-recurrent", "text-transformer"])
def test_a_run_that_was_stopped_draws_the_same_curve(
    architecture: str, text_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    spec = text_spec(architecture, recipe={"epochs": 2}, counted=True)
    whole = finish(spec, tmp_path / "whole")
    steps = iter(range(1000))
    for _ in train(spec, tmp_path / "halves", should_stop=lambda: next(steps) == 10):
        pass
    assert finish(spec, tmp_path / "halves")["metrics"] == whole["metrics"]


def test_texts_that_are_cut_are_told(text_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    warnings = [event for event in train(text_spec("text-recurrent", length=4), tmp_path) if event.type == "warning"]
    assert "longer than the 4 tokens" in warnings[0].message


def test_texts_that_are_all_empty_are_refused(make_data: Callable[..., Path], tmp_path: Path) -> None:
    data = make_data(pl.DataFrame({"text": [""] * 50, "label": ["a", "b"] * 25}))
    spec = TrainSpec(
        task=TASK, data=str(data), roles={"target": ["label"], "text": ["text"]}, architecture="text-recurrent"
    )
    with pytest.raises(TrainingError, match="empty"):
        finish(spec, tmp_path)


@pytest.mark.parametrize(("architecture", "layer"), [("pretrained-encoder", ".layer."), ("causal-reader", ".h.")])
def test_only_what_should_be_trained_moves(architecture: str, layer: str, pretrained: dict[str, Path]) -> None:
    shapes = Shapes(outputs=2, vocabulary=500, length=16)
    for trained, moving in (("head", 0), ("last", 1), ("lora", 2), ("all", 2)):
        settings = ARCHITECTURES[architecture].model_validate(
            {"source": str(pretrained[architecture]), "trained": trained, "last_layers": 1}
        )
        model = settings.build(shapes)
        names = {name for name, weight in model.named_parameters() if weight.requires_grad}
        assert {"head.weight", "head.bias"} <= names
        assert len({name.split(layer)[1][0] for name in names if layer in name}) == moving
        assert all("lora_" in name for name in names if trained == "lora" and "head" not in name)
        built = sum(weight.numel() for weight in model.parameters())
        assert settings.cost(shapes).parameters == pytest.approx(built, rel=0.02)


def test_a_language_model_answers_after_the_last_word_whatever_fills_up_the_batch(pretrained: dict[str, Path]) -> None:
    settings = ARCHITECTURES["causal-reader"].model_validate({"source": str(pretrained["causal-reader"])})
    model = settings.build(Shapes(outputs=3, vocabulary=300, length=16)).eval()
    torch.nn.init.normal_(model.head.weight)  # type: ignore[arg-type, union-attr]
    ids = torch.tensor([[5, 6, 7]])
    alone = model(ids, torch.ones(1, 3, dtype=torch.bool))
    filled = model(torch.tensor([[5, 6, 7, 9, 9]]), torch.arange(5)[None] < 3)
    torch.testing.assert_close(alone, filled)


def test_the_packaged_encoder_is_tuned_a_few_steps(text_spec: Callable[..., TrainSpec], tmp_path: Path) -> None:
    spec = text_spec(
        "pretrained-encoder",
        recipe={"epochs": 0.5, "lr": 1e-3, "evaluations": 1},
        source=ENCODER_MODEL,
        trained="last",
        last_layers=1,
    )
    finish(spec, tmp_path)
    answer = TextPredictor(tmp_path / "model", CPU).answer([{"text": "The room was wonderful"}], {})[0]
    assert set(answer["probabilities"]) == {"true", "false"}  # type: ignore[call-overload]


@pytest.mark.parametrize("architecture", READERS, ids=lambda one: one.key)
def test_costs_agree_with_the_network_that_is_built(architecture: type[Architecture]) -> None:
    shapes = Shapes(outputs=4, vocabulary=3000, length=128)
    for settings in (architecture(length=128), architecture.preset("balanced", TASK, _facts(shapes))[0]):  # type: ignore[call-arg]
        shaped = Shapes(outputs=4, vocabulary=3000, length=settings.length)  # type: ignore[attr-defined]
        built = sum(weight.numel() for weight in settings.build(shaped).parameters())
        assert settings.cost(shaped).parameters == pytest.approx(built, rel=0.02)


@pytest.mark.parametrize("architecture", architectures_for(TASK), ids=lambda one: one.key)
def test_presets_fit_the_data_and_grow_with_patience(architecture: type[Architecture]) -> None:
    shapes = Shapes(outputs=2, vocabulary=8000, length=100)
    flops = []
    for preset in PRESETS:
        settings, recipe = architecture.preset(preset, TASK, _facts(shapes))
        flops.append(settings.cost(shapes).flops * recipe.epochs)
    assert flops == sorted(flops)
    brief = architecture.preset("balanced", TASK, Facts(rows=500, shapes=shapes, characters=40))[0]
    assert brief.length < 128  # type: ignore[attr-defined]


def _facts(shapes: Shapes) -> Facts:
    return Facts(rows=4000, shapes=shapes, characters=400)


@pytest.mark.parametrize("architecture", ["text-bag", "text-cnn", "text-recurrent", "text-transformer"])
@pytest.mark.parametrize("pooling", ["max-mean", "attention", "last"])
def test_padding_does_not_change_what_is_read(architecture: str, pooling: str) -> None:
    chosen = SMALL[architecture] | ({"pooling": pooling, "layers": 2} if architecture == "text-recurrent" else {})
    torch.manual_seed(0)
    model = ARCHITECTURES[architecture].model_validate(chosen).build(Shapes(outputs=3, vocabulary=50, length=16)).eval()
    torch.nn.init.normal_(model.head.weight)  # type: ignore[arg-type, union-attr]
    ids = torch.randint(0, 50, (1, 5))
    alone = model(ids, torch.ones(1, 5, dtype=torch.bool))
    padded = model(torch.cat([ids, torch.full((1, 4), 7)], dim=1), torch.arange(9)[None] < 5)
    torch.testing.assert_close(alone, padded)


def test_the_lstm_reads_like_the_two_way_lstm_of_torch() -> None:
    torch.manual_seed(0)
    settings = ARCHITECTURES["text-recurrent"].model_validate({"width": 8, "layers": 1, "pooling": "last"})
    model = settings.build(Shapes(outputs=2, vocabulary=20, length=8)).eval()
    reference = torch.nn.LSTM(8, 8, batch_first=True, bidirectional=True)
    onwards, backwards = model.onwards[0].state_dict(), model.backwards[0].state_dict()  # type: ignore[index, union-attr]
    reference.load_state_dict({**onwards, **{f"{name}_reverse": value for name, value in backwards.items()}})
    ids = torch.randint(0, 20, (3, 6))
    _, (memory, _) = reference(model.embedding(ids))  # type: ignore[operator]
    expected = model.head(torch.cat(list(memory), dim=1))  # type: ignore[operator]
    torch.testing.assert_close(model(ids, torch.ones(3, 6, dtype=torch.bool)), expected)


def test_counted_words_alone_are_learnt_in_one_round_and_answer_as_they_were_judged(
    text_spec: Callable[..., TrainSpec], tmp_path: Path
) -> None:
    report = finish(text_spec("counted-words", recipe={"epochs": 1}, words=1, letters=3), tmp_path)
    assert report["metrics"]["accuracy"]["value"] == 1.0
    assert [baseline["key"] for baseline in report["baselines"]] == ["majority"]
    assert not (tmp_path / "model" / "tokenizer.json").exists()
    answers = TextPredictor(tmp_path / "model", CPU).answer([{"text": "so sad"}, {"text": "so great"}], {})
    assert [answer["label"] for answer in answers] == ["false", "true"]
