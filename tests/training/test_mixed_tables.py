"""Tables with texts, pictures and sounds beside numbers and categories."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from PIL import Image

from tests.training.tiny_data import sounds
from training.architectures import ARCHITECTURES, Facts, Shapes
from training.device import choose_device
from training.errors import TrainingError
from training.events import Event, Started, Warning
from training.examples import read_examples
from training.loop import train
from training.objectives import OBJECTIVES
from training.predict import load_predictor
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec
from training.tabular.tables import holds_sentences

MakeData = Callable[..., Path]


def picture(level: int) -> bytes:
    """A small picture of one brightness with some noise."""
    pixels = np.random.default_rng(level).integers(0, 40, (16, 16, 3), dtype=np.uint8) + np.uint8(level)
    encoded = io.BytesIO()
    Image.fromarray(pixels).save(encoded, "PNG")
    return encoded.getvalue()


@pytest.fixture
def offers() -> pl.DataFrame:
    """Things that are sold for what their size, their words and the light of their picture say together."""
    random = np.random.default_rng(0)
    rows: list[dict[str, object]] = []
    for at in range(240):
        size, fine, light = random.normal(), at % 2, at // 2 % 2
        word = ("broken", "worn", "tired")[at % 3] if not fine else ("new", "lovely", "clean")[at % 3]
        rows.append(
            {
                "size": size,
                "colour": ("red", "blue")[at % 5 == 0],
                "words": None if at % 40 == 7 else f"offer {at} is a {word} thing",
                "photo": None if at % 50 == 9 else {"bytes": picture(150 if light else 30), "path": f"{at}.png"},
                "price": size + 3.0 * fine + 3.0 * light,
                "dear": "yes" if size + 3.0 * fine + 3.0 * light > 3 else "no",
            }
        )
    return pl.DataFrame(rows)


@pytest.fixture
def spec(make_data: MakeData, offers: pl.DataFrame) -> TrainSpec:
    return TrainSpec(
        task="tabular-regression",
        data=str(make_data(offers)),
        roles={"target": ["price"], "features": ["size", "colour", "words", "photo"]},
        architecture="multimodal",
        settings={"notes": 16, "filters": 4, "length": 16, "dropout": 0.0},
        recipe=Recipe(epochs=12, batch_size=16, lr=5e-3, evaluations=2),
    )


def learnt(spec: TrainSpec, folder: Path) -> tuple[list[Event], Report]:
    events = list(train(spec, folder))
    assert events[-1].type == "finished"
    return events, Report.model_validate_json((folder / "report.json").read_bytes())


def test_words_and_pictures_tell_what_the_numbers_do_not(spec: TrainSpec, tmp_path: Path) -> None:
    events, report = learnt(spec, tmp_path)
    assert report.metrics["r2"].value > 0.8
    assert {baseline.key for baseline in report.baselines} == {"mean", "tfidf", "pixels", "linear", "boosted-trees"}
    assert all(baseline.metrics["r2"].value < 0.8 for baseline in report.baselines)
    started = next(event for event in events if isinstance(event, Started))
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), choose_device(spec.recipe), tmp_path / "again")
    assert spec.network().cost(objective.shapes).parameters == pytest.approx(started.parameters, rel=0.02)


def test_pixels_alone_tell_what_only_the_picture_shows(spec: TrainSpec, tmp_path: Path) -> None:
    light = pl.read_parquet(Path(spec.data) / "data.parquet").with_columns(
        dark=pl.when(pl.int_range(pl.len()) // 2 % 2 == 1).then(pl.lit("no")).otherwise(pl.lit("yes"))
    )
    light.write_parquet(Path(spec.data) / "data.parquet")
    roles = {"target": ["dark"], "features": ["size", "photo"]}
    recipe = spec.recipe.model_copy(update={"epochs": 1.0})
    choice = {"task": "tabular-classification", "roles": roles, "recipe": recipe}
    _events, report = learnt(spec.model_copy(update=choice), tmp_path)
    alone = {baseline.key: baseline.metrics["accuracy"].value for baseline in report.baselines}
    assert alone["pixels"] > 0.9 > alone["boosted-trees"]


def test_the_saved_model_answers_as_it_was_judged(spec: TrainSpec, tmp_path: Path) -> None:
    learnt(spec, tmp_path)
    assert {path.suffix for path in (tmp_path / "model").iterdir()} <= {".json", ".safetensors"}
    predictions = pl.read_parquet(tmp_path / "predictions.parquet")
    rows = pl.read_parquet(Path(spec.data) / "data.parquet")[predictions["row"].to_list()].to_dicts()
    inputs = []
    for number, row in enumerate(rows):
        given = {name: row[name] for name in ("size", "colour", "words")}
        if row["photo"] is not None:
            path = tmp_path / f"{number}.png"
            path.write_bytes(row["photo"]["bytes"])
            given["photo"] = str(path)
        inputs.append(given)
    answers = load_predictor(tmp_path / "model", choose_device(Recipe())).answer(inputs, {})
    assert [answer["value"] for answer in answers] == pytest.approx(predictions["prediction"].to_list(), abs=1e-4)


def test_classes_are_told_apart_by_texts_read_in_their_order(spec: TrainSpec, tmp_path: Path) -> None:
    roles = {"target": ["dear"], "features": ["size", "words"]}
    settings = spec.settings | {"text_reader": "transformer"}
    spec = spec.model_copy(update={"task": "tabular-classification", "roles": roles, "settings": settings})
    _events, report = learnt(spec, tmp_path)
    assert report.baselines[-1].key == "majority"
    predictor = load_predictor(tmp_path / "model", choose_device(Recipe()))
    (answer,) = predictor.answer([{"size": 1.0, "words": "offer 3 is a lovely thing"}], {})
    assert set(answer["probabilities"]) == {"yes", "no"}  # type: ignore[call-overload]


@pytest.mark.parametrize("architecture", ["linear", "boosted-trees", "mlp", "ft-transformer"])
def test_other_architectures_leave_texts_and_pictures_out_and_say_so(
    spec: TrainSpec, tmp_path: Path, architecture: str
) -> None:
    settings = ARCHITECTURES[architecture]().model_dump(mode="json")
    recipe = spec.recipe.model_copy(update={"epochs": 1.0})
    choice = {"architecture": architecture, "settings": settings, "recipe": recipe}
    events, _report = learnt(spec.model_copy(update=choice), tmp_path)
    (warning,) = (event for event in events if isinstance(event, Warning))
    assert "“words”, “photo”" in warning.message
    assert "Multimodal network" in warning.hint


def test_texts_alone_are_not_for_an_architecture_that_reads_numbers(spec: TrainSpec, tmp_path: Path) -> None:
    choice = {"architecture": "mlp", "settings": {}, "roles": {"target": ["price"], "features": ["words"]}}
    with pytest.raises(TrainingError, match="reads numbers and categories only"):
        list(train(spec.model_copy(update=choice), tmp_path))


def test_a_picture_that_is_not_sent_is_no_error(spec: TrainSpec, tmp_path: Path) -> None:
    learnt(spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"epochs": 1.0})}), tmp_path)
    predictor = load_predictor(tmp_path / "model", choose_device(Recipe()))
    assert predictor.answer([{"size": 1.0}, {}], {})[0].keys() == {"value"}
    with pytest.raises(TrainingError, match="no picture"):
        predictor.answer([{"photo": "/nowhere.png"}], {})


def test_sounds_tell_what_the_numbers_do_not(make_data: MakeData, tmp_path: Path) -> None:
    heard = sounds(tmp_path).frame
    size = np.random.default_rng(0).normal(size=2 * heard.height)
    calls = pl.concat([heard, heard]).with_columns(
        size=pl.Series(size),
        price=pl.Series(size) + 4.0 * (pl.col("kind") == "high"),
        sound=pl.when(pl.int_range(pl.len()) % 19 == 7).then(None).otherwise(pl.col("sound")),
    )
    spec = TrainSpec(
        task="tabular-regression",
        data=str(make_data(calls)),
        roles={"target": ["price"], "features": ["size", "sound"]},
        architecture="multimodal",
        settings={"notes": 8, "filters": 8, "bands": 16, "dropout": 0.0, "seconds": 0.5},
        recipe=Recipe(epochs=15, batch_size=8, lr=5e-3, evaluations=1),
    )
    events, report = learnt(spec, tmp_path)
    alone = {baseline.key: baseline.metrics["rmse"].value for baseline in report.baselines}
    assert report.metrics["rmse"].value < 0.7 * min(alone.values())
    started = next(event for event in events if isinstance(event, Started))
    objective = OBJECTIVES[spec.task](spec, read_examples(spec), choose_device(spec.recipe), tmp_path / "again")
    assert spec.network().cost(objective.shapes).parameters == pytest.approx(started.parameters, rel=0.02)
    predictor = load_predictor(tmp_path / "model", choose_device(Recipe()))
    low, high, none = predictor.answer(
        [{"size": 0.0, "sound": str(tmp_path / "0.wav")}, {"size": 0.0, "sound": str(tmp_path / "1.wav")}, {}], {}
    )
    assert high["value"] > low["value"] + 1  # type: ignore[operator]
    assert none.keys() == {"value"}


def test_names_are_categories_and_sentences_are_texts() -> None:
    assert holds_sentences(pl.Series([f"the flat {at} is bright" for at in range(9)]))
    assert holds_sentences(pl.Series(["房间很干净", "服务态度差", "早餐好吃", None]))
    assert not holds_sentences(pl.Series(["Never married", "Married", "Divorced"] * 9))
    assert not holds_sentences(pl.Series([f"order-{at}" for at in range(9)]))
    assert not holds_sentences(pl.Series([1.5, 2.5]))


def test_short_messages_with_their_hour_are_sorted_better_than_by_either_alone(
    make_data: MakeData, shared_data: Path, tmp_path: Path
) -> None:
    messages = pl.read_csv(shared_data / "text-classification" / "sms_spam.csv").head(1_200)
    hour = np.random.default_rng(0).uniform(0, 24, messages.height)
    rings = (messages["label"] == "ham").to_numpy() & (hour > 10)  # made up: spam never rings, nor does the night
    frame = messages.select("text", hour=pl.Series(hour), rings=pl.Series(np.where(rings, "yes", "no")))
    roles = {"target": ["rings"], "features": ["text", "hour"]}
    facts = Facts(rows=960, shapes=Shapes(outputs=2, numbers=1, texts=1), characters=80)
    settings, recipe = ARCHITECTURES["multimodal"].preset("quick", "tabular-classification", facts)
    spec = TrainSpec(
        task="tabular-classification",
        data=str(make_data(frame)),
        roles=roles,
        architecture="multimodal",
        settings=settings.model_dump(mode="json"),
        recipe=recipe,
    )
    _events, report = learnt(spec, tmp_path / "run")
    alone = {baseline.key: baseline.metrics["accuracy"].value for baseline in report.baselines}
    assert alone["tfidf"] < alone["boosted-trees"] < report.metrics["accuracy"].value
    assert report.verdict.grade == "gold"
