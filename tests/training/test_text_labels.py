"""Several labels for a text, a number read out of a text, and how alike two are: from the columns to the answers."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy.stats import pearsonr, spearmanr
from sklearn.metrics import f1_score

from tests.training.tiny_data import alike_texts, encoder
from training.data.importing import import_dataset, read_description
from training.data.label_columns import find_separator, split_labels
from training.data.roles import check_roles
from training.data.schema import Description
from training.device import Device
from training.errors import TrainingError
from training.loop import train
from training.objectives.text_similarity import correlations
from training.predict import load_predictor
from training.recipes import Recipe
from training.spec import TrainSpec
from training.targets.label_sets import label_measures
from training.techniques.losses import label_loss, label_weights

CPU = Device(torch.device("cpu"), torch.float32)
FAULTS = ("cold", "loud", "dirty")


def _complaints() -> list[dict[str, Any]]:
    """Rooms with every combination of three faults."""
    return [
        {"review": f"We stayed in room {at} for a night; it was {' and '.join(_faults(at)) or 'just fine'}.", "at": at}
        for at in range(160)
    ]


def _faults(at: int) -> list[str]:
    return [fault for place, fault in enumerate(FAULTS) if at >> place & 1]


def _import(rows: list[dict[str, Any]], folder: Path) -> Description:
    file = folder / "rooms.jsonl"
    file.write_text("\n".join(json.dumps(row) for row in rows))
    list(import_dataset([file], folder / "version"))
    return read_description(folder / "version")


def _learn(task: str, data: Path, target: list[str], folder: Path, **settings: Any) -> dict[str, Any]:
    spec = TrainSpec(
        task=task,
        data=str(data),
        roles={"target": target, "text": ["review"]},
        architecture="text-bag",
        settings={"width": 16, "length": 32, "buckets": 500} | settings,
        recipe=Recipe(epochs=12, batch_size=8, lr=1e-2, evaluations=2),
    )
    for _ in train(spec, folder):
        pass
    report: dict[str, Any] = json.loads((folder / "report.json").read_text())
    return report


@pytest.mark.parametrize(
    ("cell", "labels"),
    [
        ("red; blue;red", ["red", "blue"]),
        ('["red", "blue, dark"]', ["red", "blue, dark"]),
        ("['red', 'blue']", ["red", "blue"]),
        ("[red, blue]", ["red", "blue"]),
        ("[]", []),
        ("None", []),
        ("red", ["red"]),
    ],
)
def test_labels_of_a_cell_are_read_as_people_and_programs_write_them(cell: str, labels: list[str]) -> None:
    assert split_labels(cell, find_separator(["red; blue", "red"])) == labels


@pytest.mark.parametrize("form", ["list", "separator", "flags"])
def test_several_labels_are_proposed_where_the_data_shows_them(form: str, tmp_path: Path) -> None:
    rows = []
    for complaint in _complaints():
        said = _faults(complaint.pop("at"))
        forms: dict[str, dict[str, Any]] = {
            "list": {"faults": said},
            "separator": {"faults": "; ".join(said) or "none"},
        }
        rows.append(complaint | forms.get(form, {fault: int(fault in said) for fault in FAULTS}))
    best = _import(rows, tmp_path).proposals[0]
    assert best.task == "text-multilabel"
    assert best.roles["text"] == ["review"]
    assert best.roles["target"] == (list(FAULTS) if form == "flags" else ["faults"])
    assert best.state == "good"


def test_a_column_with_one_label_each_is_no_list(tmp_path: Path) -> None:
    rows = [{"review": row["review"], "topic": ("Home, garden", "Sports")[row["at"] % 2]} for row in _complaints()]
    description = _import(rows, tmp_path)
    assert description.proposals[0].task == "text-classification"
    with pytest.raises(TrainingError, match="one label each"):
        check_roles(description, "text-multilabel", {"target": ["topic"], "text": ["review"]})


def test_columns_that_do_not_say_yes_or_no_are_refused(tmp_path: Path) -> None:
    rows = [{"review": row["review"], "cold": row["at"] % 2, "loud": row["at"] % 5} for row in _complaints()]
    with pytest.raises(TrainingError, match="“loud” does not say yes or no"):
        check_roles(_import(rows, tmp_path), "text-multilabel", {"target": ["cold", "loud"], "text": ["review"]})


@pytest.mark.parametrize("counted", [False, True])
def test_every_label_is_learnt_for_itself(counted: bool, make_data: Callable[..., Path], tmp_path: Path) -> None:
    frame = pl.DataFrame([{**row, "faults": json.dumps(_faults(row["at"]))} for row in _complaints()])
    report = _learn("text-multilabel", make_data(frame), ["faults"], tmp_path, counted=counted)
    assert report["metrics"]["micro_f1"]["value"] > 0.95
    assert {row["label"] for row in report["classes"]} == set(FAULTS)
    assert {row["key"] for row in report["baselines"]} == {"majority", "tfidf"}
    predictor = load_predictor(tmp_path / "model", CPU)
    texts = [f"We stayed in room 7 for a night; it was {rest}." for rest in ("cold and dirty", "just fine")]
    both, none = predictor.answer([{"review": texts[0]}, {"text": texts[1]}], {"explain": True})
    assert (set(both["labels"]), both["label"]) == ({"cold", "dirty"}, "cold, dirty")  # type: ignore[call-overload]
    assert set(both["probabilities"]) == set(FAULTS)  # type: ignore[call-overload]
    assert (none["labels"], none["label"]) == ([], "—")
    assert max(both["words"], key=lambda word: word["weight"])["word"] in ("cold", "dirty.")  # type: ignore[call-overload]


def test_columns_of_yes_and_no_are_labels_by_their_names(make_data: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{**row, **{fault: fault in _faults(row["at"]) for fault in FAULTS}} for row in _complaints()]
    report = _learn("text-multilabel", make_data(pl.DataFrame(rows)), list(FAULTS), tmp_path)
    assert {row["label"] for row in report["classes"]} == set(FAULTS)


def test_measures_of_several_labels_are_those_of_scikit_learn() -> None:
    random = np.random.default_rng(0)
    truth = (random.random((200, 5)) < 0.3).astype(np.float64)
    probabilities = np.clip(truth * 0.4 + random.random((200, 5)) * 0.6, 0.01, 0.99)
    measured, said = label_measures(truth, probabilities), probabilities >= 0.5
    assert measured["micro_f1"] == pytest.approx(f1_score(truth, said, average="micro"))
    assert measured["macro_f1"] == pytest.approx(f1_score(truth, said, average="macro"))
    assert measured["exact_match"] == pytest.approx((truth == said).all(axis=1).mean())


def test_rare_labels_can_count_as_much_and_easy_ones_less() -> None:
    truth = torch.tensor([[1.0, 0.0], [0.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    balanced = Recipe(class_weights="balanced")
    assert label_weights(truth, balanced).tolist() == [3.0, 1.0]  # type: ignore[union-attr]
    scores = torch.tensor([[2.0, -1.0]])
    plain = torch.log1p(torch.exp(torch.tensor([-2.0, -1.0])))
    assert label_loss(scores, truth[:1], Recipe()).item() == pytest.approx(plain.mean().item())
    focal = (plain * (1 - torch.tensor([2.0, 1.0]).sigmoid()) ** 2).mean().item()
    assert label_loss(scores, truth[:1], Recipe(focal=2)).item() == pytest.approx(focal)


def test_a_number_is_read_out_of_a_text_in_its_own_unit(make_data: Callable[..., Path], tmp_path: Path) -> None:
    rows = [{"review": row["review"], "stars": 5.0 - len(_faults(row["at"]))} for row in _complaints()]
    report = _learn("text-regression", make_data(pl.DataFrame(rows)), ["stars"], tmp_path, counted=True)
    assert report["metrics"]["r2"]["value"] > 0.9
    assert {row["key"] for row in report["baselines"]} == {"mean", "tfidf"}
    predictor = load_predictor(tmp_path / "model", CPU)
    good, bad = predictor.answer([{"text": "it was just fine"}, {"text": "it was cold and loud"}], {"explain": True})
    assert good["value"] - bad["value"] > 1  # type: ignore[operator]
    lowered = [word["word"] for word in bad["words"] if word["weight"] < -0.1]  # type: ignore[attr-defined]
    assert {"cold", "loud"} <= set(lowered)


def test_texts_with_a_number_beside_are_proposed_as_such(tmp_path: Path) -> None:
    random = np.random.default_rng(0)
    rows = [{"review": row["review"], "price": round(float(random.normal(90, 20)), 2)} for row in _complaints()]
    best = _import(rows, tmp_path).proposals[0]
    assert (best.task, best.roles) == ("text-regression", {"target": ["price"], "text": ["review"]})


def test_correlations_are_those_of_scipy() -> None:
    random = np.random.default_rng(0)
    truth = random.normal(size=80).round(1)
    predicted = truth + random.normal(size=80)
    everything = np.ones((1, 80))
    measured = {name: float(one(everything)[0]) for name, one in correlations(truth, predicted).items()}
    assert measured["spearman"] == pytest.approx(spearmanr(truth, predicted).statistic)
    assert measured["pearson"] == pytest.approx(pearsonr(truth, predicted).statistic)


def test_two_texts_are_told_alike_in_the_unit_of_the_data(make_data: Callable[..., Path], tmp_path: Path) -> None:
    tiny = alike_texts(tmp_path)
    (tmp_path / "encoder").mkdir()
    encoder(tmp_path / "encoder")
    frame = tiny.frame.with_columns(alike=pl.col("alike") * 4 + 1)
    spec = TrainSpec(
        task="text-similarity",
        data=str(make_data(frame)),
        roles=tiny.roles,
        architecture="pretrained-encoder",
        settings={"source": str(tmp_path / "encoder"), "length": 16},
        recipe=Recipe(epochs=30, batch_size=8, lr=5e-3, evaluations=1),
    )
    for _ in train(spec, tmp_path):
        pass
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["metrics"]["spearman"]["value"] > 0.5
    predictor = load_predictor(tmp_path / "model", CPU)
    pairs: list[dict[str, object]] = [
        {"first": "day 7 was good", "second": "day 9 was great"},
        {"one": "day 7 was good", "other": "day 9 was sad"},
    ]
    same, other = predictor.answer(pairs, {})
    assert same["value"] > other["value"] + 1  # type: ignore[operator]
