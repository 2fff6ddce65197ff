"""Starting from an earlier run: what is taken over, what is not, and that it helps; and from a model of a hub."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from tests.hub import hub
from tests.training.tiny_data import SOURCES
from training.architectures import ARCHITECTURES, Shapes
from training.errors import TrainingError
from training.events import Event, Progress, Warning
from training.loop import train
from training.pretrained.loading import resolve
from training.recipes import Recipe
from training.spec import TrainSpec

GOOD, BAD = ["fine", "lovely", "bright", "calm"], ["dull", "loud", "cold", "grim"]


def reviews(kinds: tuple[str, ...]) -> pl.DataFrame:
    rows = [(f"the room was {(GOOD, BAD)[at % 2][at // 2 % 4]}", kinds[at % 2]) for at in range(120)]
    return pl.DataFrame(rows, schema=["text", "mood"], orient="row")


def spec_on(data: Path, **changes: object) -> TrainSpec:
    spec = TrainSpec(
        task="text-classification",
        data=str(data),
        roles={"target": ["mood"], "text": ["text"]},
        architecture="text-recurrent",
        settings={"width": 16, "length": 16},
        recipe=Recipe(epochs=6, batch_size=8, lr=0.02, evaluations=2),
    )
    return spec.model_copy(update=changes)


def first_loss(events: list[Event]) -> float:
    told = [event.points for event in events if isinstance(event, Progress) and "train/loss" in event.points]
    return told[0]["train/loss"].values[0]


def said(events: list[Event]) -> str:
    return " ".join(event.message for event in events if isinstance(event, Warning))


def test_a_run_goes_on_from_the_weights_and_words_of_an_earlier_one(
    make_data: Callable[..., Path], tmp_path: Path
) -> None:
    spec = spec_on(make_data(reviews(("up", "down"))))
    fresh = list(train(spec, tmp_path / "first"))
    again = list(train(spec.model_copy(update={"start_from": str(tmp_path / "first" / "model")}), tmp_path / "second"))
    assert first_loss(again) < 0.2 < first_loss(fresh)
    assert "Started from an earlier run" in said(again)
    tokenizers = [(tmp_path / run / "model" / "tokenizer.json").read_bytes() for run in ("first", "second")]
    assert tokenizers[0] == tokenizers[1]


def test_other_answers_get_an_output_layer_of_their_own(make_data: Callable[..., Path], tmp_path: Path) -> None:
    list(train(spec_on(make_data(reviews(("up", "down")), name="moods")), tmp_path / "first"))
    stars = make_data(reviews(("five", "one")), name="stars")
    events = list(train(spec_on(stars, start_from=str(tmp_path / "first" / "model")), tmp_path / "second"))
    taken, total = (int(word.replace(",", "")) for word in said(events).split() if word[0].isdigit())
    assert 0 < taken < total


def test_a_network_of_another_size_is_refused_with_a_next_step(flower_spec: TrainSpec, tmp_path: Path) -> None:
    list(train(flower_spec, tmp_path / "first"))
    changes = {
        "roles": {"target": ["colour"], "features": ["size"]},
        "settings": {"hidden_sizes": "9"},
        "start_from": str(tmp_path / "first" / "model"),
    }
    with pytest.raises(TrainingError, match="None of the earlier run's weights fits"):
        list(train(flower_spec.model_copy(update=changes), tmp_path / "second"))


def test_a_table_is_read_as_the_earlier_run_read_it(flower_spec: TrainSpec, tmp_path: Path) -> None:
    fresh = list(train(flower_spec, tmp_path / "first"))
    start = {"start_from": str(tmp_path / "first" / "model")}
    again = list(train(flower_spec.model_copy(update=start), tmp_path / "second"))
    assert first_loss(again) < first_loss(fresh)


@pytest.mark.parametrize("architecture", list(SOURCES))
def test_a_model_of_the_hub_is_fetched_without_code_or_pickle_and_built(
    architecture: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    SOURCES[architecture](tmp_path / "published")
    files = {path.name: path.read_bytes() for path in (tmp_path / "published").iterdir()}
    dangers = {"pytorch_model.bin": b"\x80\x04.", "modeling.py": b"raise SystemExit('this must never run')"}
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "cache"))
    with hub({"people/tiny": files | dangers}) as address:
        monkeypatch.setenv("TOUCHSTONE_HUB", address)
        folder = resolve("people/tiny")
    assert {path.name for path in folder.iterdir()} == files.keys()
    settings = ARCHITECTURES[architecture].model_validate({"source": str(folder)})
    shapes = Shapes(outputs=2, vocabulary=300, length=32, channels=3, height=32, width=32)
    assert sum(weight.numel() for weight in settings.build(shapes).parameters()) > 1000
