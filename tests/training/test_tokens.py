"""Learning to mark names in sentences."""

from __future__ import annotations

import random
from collections.abc import Callable
from itertools import pairwise, product
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
import torch
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.metrics.sequence_labeling import get_entities

from training.data import mapped
from training.device import choose_device
from training.loop import train
from training.models.text_parts import TokenAttention
from training.objectives.tokens import TokenPredictor
from training.recipes import Recipe
from training.report import Report
from training.settings.texts import PLACES
from training.spec import TrainSpec
from training.texts.entities import count_entities, entities, entity_estimators, forbidden_steps, likeliest_tags
from training.texts.reading import encode_words
from training.texts.spelling import looks_of, shape
from training.texts.tokenizers import build_byte_pairs
from training.texts.words import split_tokens

TAGS = ["O", "O", "B-a", "I-a", "B-b", "I-b", "E-a", "S-b", "E-b"]


def random_sentences(count: int) -> list[list[str]]:
    chance = random.Random(0)
    return [[chance.choice(TAGS) for _ in range(chance.randint(1, 9))] for _ in range(count)]


def tagged(*words: str) -> list[dict[str, str]]:
    """A cell of the column from "Ada/B-person went"."""
    return [{"token": token, "tag": tag or "O"} for token, _, tag in (word.partition("/") for word in words)]


@pytest.fixture
def spec(make_data: Callable[..., Path]) -> TrainSpec:
    """Sentences in which persons come after “met” and places after “in”."""
    people, places = ["Ada", "Bob", "Eve", "Zoe"], ["Rome", "New/B-place York/I-place", "Bonn", "Oslo"]
    cells = []
    for at in range(160):
        place = places[at // 4 % 4] if "/" in places[at // 4 % 4] else f"{places[at // 4 % 4]}/B-place"
        words = f"we met {people[at % 4]}/B-person in {place} on day {at % 7}".split()
        cells.append(tagged(*words))
    return TrainSpec(
        task="token-classification",
        data=str(make_data(pl.DataFrame({"tokens": cells}))),
        roles={"spans": ["tokens"]},
        architecture="text-recurrent",
        settings={"width": 24, "length": 32},
        recipe=Recipe(epochs=6, batch_size=8, lr=0.01, evaluations=2),
    )


def test_names_begin_and_end_as_seqeval_has_them() -> None:
    for tags in random_sentences(2000):
        assert [tuple(name) for name in entities(tags)] == [(k, s, e + 1) for k, s, e in get_entities(tags)]


def test_tags_without_a_prefix_are_a_name_each() -> None:
    assert [tuple(name) for name in entities(["NOUN", "NOUN", "O"])] == [("NOUN", 0, 1), ("NOUN", 1, 2)]


def test_measures_are_those_of_seqeval() -> None:
    sentences = random_sentences(200)
    truth, said = (
        sentences[:100],
        [
            (other + ["O"] * len(true))[: len(true)]
            for true, other in zip(sentences[:100], sentences[100:], strict=True)
        ],
    )
    values = {
        name: float(measure(np.ones((1, 100)))[0])
        for name, measure in entity_estimators(count_entities(truth, said)).items()
    }
    assert values["f1"] == pytest.approx(f1_score(truth, said))
    assert values["precision"] == pytest.approx(precision_score(truth, said))
    assert values["recall"] == pytest.approx(recall_score(truth, said))


def test_the_likeliest_row_of_tags_opens_every_name_as_trying_all_rows_finds_it() -> None:
    tags = ["O", "B-a", "I-a", "B-b", "I-b"]
    forbidden = forbidden_steps(tags)
    logs = np.random.default_rng(0).normal(size=(20, 4, len(tags))) * 3
    for sentence in logs:
        rows = [
            row
            for row in product(range(len(tags)), repeat=4)
            if not any(forbidden[step] for step in pairwise((len(tags), *row)))
        ]
        best = max(rows, key=lambda row: sum(sentence[word, tag] for word, tag in enumerate(row)))
        assert likeliest_tags(sentence, forbidden).tolist() == list(best)
    assert likeliest_tags(np.zeros((0, 5)), forbidden).tolist() == []


def test_words_look_alike_in_case_ends_and_shape() -> None:
    assert [shape(word) for word in ("London", "NATO", "B2B", "don't", "1999")] == ["Xxx", "XX", "XdX", "xx'x", "dd"]
    london, upper, berlin = looks_of("London"), looks_of("LONDON"), looks_of("Berlin")
    assert london[:-1] == upper[:-1]
    assert [a == b for a, b in zip(london, berlin, strict=True)] == [False] * 6 + [True]
    assert 0 < min(london) <= max(london) < PLACES


def test_each_word_is_known_by_its_first_token() -> None:
    tokenizer = build_byte_pairs(["low lower lowest"], 259)
    encoded, firsts = encode_words(tokenizer, [["low", "lowest", "x"], []], 5)
    assert encoded.lengths.tolist() == [5, 1]
    assert firsts[0].tolist()[0] == 0
    assert firsts[0].tolist()[2] == -1
    assert len(firsts[1]) == 0


def test_many_sentences_are_cut_some_at_a_time_into_a_mapped_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    sentences = [["low", "lowest", "x"][: at % 4] for at in range(10)]
    tokenizer = build_byte_pairs(["low lower lowest"], 259)
    whole, whole_firsts = encode_words(tokenizer, sentences, 5, spelled=True)
    monkeypatch.setattr("training.texts.reading.AT_ONCE", 3)
    monkeypatch.setattr(mapped, "IN_MEMORY", 0)
    parts, firsts = encode_words(tokenizer, sentences, 5, spelled=True, folder=tmp_path)
    assert isinstance(firsts.flat, np.memmap)
    assert parts.ids.tolist() == whole.ids.tolist()
    assert [one.tolist() for one in firsts] == [one.tolist() for one in whole_firsts]
    assert list(tmp_path.iterdir()) == []


def test_text_is_cut_like_the_sentences_that_were_learnt() -> None:
    text = "Don't, @ada: 你好 U.S. costs $5!"
    assert [text[start:end] for start, end in split_tokens(text)] == [
        "Don't", ",", "@ada", ":", "你", "好", "U.S", ".", "costs", "$", "5", "!",
    ]  # fmt: skip


def test_attention_between_tokens_is_that_of_the_paper_by_hand() -> None:
    attention = TokenAttention(2)
    with torch.no_grad():
        attention.match.weight.copy_(torch.eye(2))
    notes = torch.tensor([[[1.0, 0.0], [0.0, 2.0], [9.0, 9.0]]])
    mask = torch.tensor([[True, True, False]])
    matches = torch.tensor([1.0, 0.0]) / 2**0.5
    weights = matches.exp() / matches.exp().sum()
    assert torch.allclose(attention(notes, mask)[0, 0], torch.tensor([weights[0], 2 * weights[1]]))


def test_a_name_that_was_never_read_is_known_by_its_looks(spec: TrainSpec, tmp_path: Path) -> None:
    settings = {**spec.settings, "spelled": True, "word_dropout": 0.3}
    list(train(spec.model_copy(update={"settings": settings}), tmp_path))
    predictor = TokenPredictor(tmp_path / "model", choose_device(Recipe()))
    answer: dict[str, Any] = predictor.answer([{"text": "we met Kim in Bern on day 3"}], {})[0]
    assert [(name["text"], name["kind"]) for name in answer["entities"]] == [("Kim", "person"), ("Bern", "place")]


@pytest.mark.parametrize("architecture", ["text-recurrent", "text-transformer"])
def test_names_are_learnt_judged_and_found_in_new_texts(spec: TrainSpec, tmp_path: Path, architecture: str) -> None:
    changes = {"architecture": architecture}
    if architecture == "text-transformer":
        changes["settings"] = {"width": 24, "heads": 2, "layers": 1, "length": 32}  # type: ignore[assignment]
    assert list(train(spec.model_copy(update=changes), tmp_path))[-1].type == "finished"
    report = Report.model_validate_json((tmp_path / "report.json").read_bytes())
    assert report.metrics["f1"].value > 0.9
    assert [row.label for row in report.classes] == ["person", "place"]
    assert {baseline.key for baseline in report.baselines} == {"usual-tag"}
    assert pl.read_parquet(tmp_path / "predictions.parquet")["truth"][0].endswith("(place)")

    predictor = TokenPredictor(tmp_path / "model", choose_device(Recipe()))
    answer: dict[str, Any] = predictor.answer([{"text": "we met Eve in New York on day 3"}], {})[0]
    names = answer["entities"]
    assert [(name["text"], name["kind"]) for name in names] == [("Eve", "person"), ("New York", "place")]
    assert answer["text"][names[1]["start"] : names[1]["end"]] == "New York"
