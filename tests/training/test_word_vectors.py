"""Vectors of words: what is learnt from which company, by hand where that can be, and what is answered."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from scipy.sparse import csr_matrix

from training.architectures import ARCHITECTURES, Shapes
from training.device import Device
from training.errors import TrainingError
from training.loop import train
from training.models.word_vectors import GloVe, Word2Vec
from training.objectives.word_vectors import pair_measures
from training.objectives.word_vectors_answers import WordPredictor
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec
from training.texts.company import Company, Words, count_meetings, counted_vectors, held_out_pairs, staying, wrong_words
from training.texts.vector_space import Space, read_sum

CPU = Device(torch.device("cpu"), torch.float32)
ANIMALS, TOOLS = ["cat", "dog", "hen", "cow"], ["saw", "axe", "nail", "drill"]


@pytest.fixture
def topics(make_data: Callable[..., Path]) -> Path:
    """Sentences about animals and sentences about tools, which share no word but two."""
    random = np.random.default_rng(0)
    verbs = {0: ["eats", "sleeps", "runs"], 1: ["cuts", "breaks", "rusts"]}
    rows = []
    for at in range(400):
        nouns = (ANIMALS, TOOLS)[at % 2]
        first, second = random.choice(nouns, 2, replace=False)
        rows.append(f"the {first} {random.choice(verbs[at % 2])} near the {second}.")
    return make_data(pl.DataFrame({"text": rows}), ["train"] * 320 + ["test"] * 80)


@pytest.fixture
def make_spec(topics: Path) -> Callable[..., TrainSpec]:
    def make(architecture: str, epochs: float = 15.0, **settings: object) -> TrainSpec:
        recipe = {"epochs": epochs, "batch_size": 64, "optimizer": "adam", "lr": 0.02, "evaluations": 2}
        return TrainSpec(
            task="word-embeddings",
            data=str(topics),
            roles={"text": ["text"]},
            architecture=architecture,
            settings={"width": 8, "window": 3, "rarest": 1, **settings},  # type: ignore[dict-item]
            recipe=Recipe.model_validate(recipe),
        )

    return make


@pytest.mark.parametrize(
    ("architecture", "epochs", "settings"),
    [
        ("word2vec", 15.0, {"method": "skip-gram", "keep": 1.0}),
        ("word2vec", 60.0, {"method": "cbow", "keep": 1.0}),
        ("glove", 150.0, {"enough": 5.0}),
    ],
)
def test_words_of_one_topic_come_to_stand_together(
    make_spec: Callable[..., TrainSpec], tmp_path: Path, architecture: str, epochs: float, settings: dict[str, object]
) -> None:
    list(train(make_spec(architecture, epochs, **settings), tmp_path))
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert report.metrics["company"].low > 0.5
    assert {baseline.key for baseline in report.baselines} == {"counted", "guess"}
    guess = next(baseline for baseline in report.baselines if baseline.key == "guess")
    assert guess.metrics["company"].value == 0.5
    assert guess.metrics["pair_loss"].value == pytest.approx(math.log(2))
    (answer,) = WordPredictor(tmp_path / "model", CPU).answer([{"text": "Cat"}], {"explain": True})
    near = [found["word"] for found in answer["neighbours"]]  # type: ignore[attr-defined]
    assert {"cat", *near[:3]} == set(ANIMALS)
    places = answer["map"]
    assert places["words"][0] == "cat"  # type: ignore[index]
    for kind in ("pca", "tsne"):
        assert _nearest(places, kind)[0] in ANIMALS  # type: ignore[arg-type]


def _nearest(places: dict[str, Any], kind: str) -> list[str]:
    """The words of a map by how near to the first one they are drawn."""
    points = np.column_stack([places[kind]["x"], places[kind]["y"]])
    return [str(places["words"][at]) for at in np.argsort(np.linalg.norm(points - points[0], axis=1))[1:]]


def test_the_loss_of_skip_gram_is_that_of_the_paper_by_hand() -> None:
    model = Word2Vec(3, 2, from_company=False)
    model.words.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    model.company.weight.data = torch.tensor([[2.0, 0.0], [0.0, 3.0], [1.0, -1.0]])
    beside = Company(torch.tensor([0]), torch.tensor([[2, 1]]), torch.tensor([[True, False]]))
    loss = model(beside, torch.tensor([[0]]))
    by_hand = -math.log(1 / (1 + math.exp(-1))) - math.log(1 / (1 + math.exp(2)))  # products 1 (real) and 2 (random)
    assert loss.item() == pytest.approx(by_hand / 2)


def test_cbow_guesses_the_word_from_the_mean_of_its_company_by_hand() -> None:
    model = Word2Vec(3, 2, from_company=True)
    model.words.weight.data = torch.tensor([[1.0, 0.0], [0.0, 1.0], [9.0, 9.0]])
    model.company.weight.data = torch.tensor([[2.0, 0.0], [0.0, 4.0], [1.0, 1.0]])
    beside = Company(torch.tensor([0]), torch.tensor([[0, 1, 2]]), torch.tensor([[True, True, False]]))
    loss = model(beside, torch.tensor([[1]]))  # the mean is (0.5, 0.5): products 1 (real) and 2 (random)
    by_hand = -math.log(1 / (1 + math.exp(-1))) - math.log(1 / (1 + math.exp(2)))
    assert loss.item() == pytest.approx(by_hand / 2)


def test_the_loss_of_glove_is_that_of_the_paper_by_hand() -> None:
    model = GloVe(2, 1, enough=10.0)
    model.words.weight.data, model.company.weight.data = torch.tensor([[2.0], [1.0]]), torch.tensor([[1.0], [3.0]])
    model.word_offsets.data = torch.tensor([0.5, 0.0])
    loss = model(torch.tensor([0]), torch.tensor([1]), torch.tensor([5.0]))
    assert loss.item() == pytest.approx(0.5**0.75 * (2 * 3 + 0.5 - math.log(5)) ** 2, rel=1e-5)


def test_windows_stay_inside_their_text() -> None:
    words = Words(torch.tensor([5, 6, 7, 8]), torch.tensor([0, 0, 1, 1]))
    around = words.around(torch.tensor([1, 2]), 2, torch.tensor([2, 1]))
    assert around.company[around.stands].tolist() == [5, 8]
    assert around.stands.tolist() == [[False, True, False, False], [False, False, True, False]]


def test_meetings_are_counted_as_one_would_by_hand() -> None:
    words = Words(torch.tensor([0, 1, 2, 0]), torch.tensor([0, 0, 0, 1]))
    plain = count_meetings(words, 2, 3, by_distance=False).toarray()
    assert plain.tolist() == [[0, 1, 1], [1, 0, 1], [1, 1, 0]]
    assert count_meetings(words, 2, 3, by_distance=True)[0, 2] == 0.5


def test_counted_vectors_give_back_positive_mutual_information() -> None:
    meetings = csr_matrix(np.array([[4.0, 1, 0], [1, 2, 2], [0, 2, 5]]))
    words, company = counted_vectors(meetings, 2)
    total, sums = meetings.sum(), np.asarray(meetings.sum(1)).ravel()
    with np.errstate(divide="ignore"):
        positive = np.maximum(np.log(meetings.toarray() * total / np.outer(sums, sums)), 0)
    best = np.linalg.svd(positive)
    nearest = best.U[:, :2] * best.S[:2] @ best.Vh[:2]
    assert words @ company.T == pytest.approx(nearest, abs=1e-8)


def test_common_words_are_thinned_and_drawn_less_often_than_they_stand() -> None:
    words = Words(torch.tensor([0] * 900 + [1] * 100), torch.zeros(1000, dtype=torch.int64))
    assert staying(words, 2, 0.1).tolist() == pytest.approx([math.sqrt(0.1 / 0.9), 1.0])
    share = (wrong_words(words, 2) == 1).float().mean().item()
    assert share == pytest.approx(100**0.75 / (100**0.75 + 900**0.75), abs=1e-3)


def test_held_out_pairs_are_fair_and_always_the_same() -> None:
    words = Words(torch.randint(0, 9, (300,), generator=torch.Generator().manual_seed(0)), torch.zeros(300).long())
    first, second = held_out_pairs(words, 2, 50), held_out_pairs(words, 2, 50)
    assert (first.random == second.random).all()
    assert len(first.words) == 50
    assert (first.random != first.beside).all()
    assert pair_measures(np.array([1.0, 0.0, -1.0]))["company"](np.ones((1, 3)))[0] == pytest.approx(0.5)


def test_a_sum_of_words_is_answered_and_its_own_words_are_left_out() -> None:
    vectors = np.array([[1.0, 0, 0], [0, 1, 0], [1, 0, 1], [0, 1, 1]])
    space = Space(["man", "woman", "king", "queen"], vectors / np.linalg.norm(vectors, axis=1, keepdims=True))
    assert space.neighbours("king - man + woman", 1)[0]["word"] == "queen"
    assert read_sum("King -man+woman") == [(1, "King"), (-1, "man"), (1, "woman")]
    with pytest.raises(TrainingError, match="“prince” is not known"):
        space.neighbours("prince")
    with pytest.raises(TrainingError, match="no word to look up"):
        space.neighbours(" + ")


@pytest.mark.parametrize("architecture", ["word2vec", "glove"])
def test_the_estimated_size_is_that_of_the_network(architecture: str) -> None:
    shapes, settings = Shapes(outputs=300, vocabulary=300), ARCHITECTURES[architecture]()
    built = sum(weight.numel() for weight in settings.build(shapes).parameters())
    assert settings.cost(shapes).parameters == built


def test_a_text_of_a_few_words_is_refused_in_words(
    make_spec: Callable[..., TrainSpec], make_data: Callable[..., Path], tmp_path: Path
) -> None:
    few = make_data(pl.DataFrame({"text": ["one two"] * 4}), name="few")
    with pytest.raises(TrainingError, match="too few words"):
        list(train(make_spec("word2vec").model_copy(update={"data": str(few)}), tmp_path))
