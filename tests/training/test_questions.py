"""Learning to answer questions with the words of a text."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from training.data import mapped
from training.device import choose_device
from training.errors import TrainingError
from training.loop import train
from training.objectives.questions import AnswerPredictor
from training.recipes import Recipe
from training.report import Report
from training.spec import TrainSpec
from training.texts.answers import answer_f1, exact_match, guess_answer, score_answers
from training.texts.passages import Asked, best_stretch, cut_windows
from training.texts.spelling import meetings
from training.texts.tokenizers import build_words

PEOPLE, PLACES = ["Ada", "Bob", "Eve", "Zoe"], ["Rome", "Bonn", "Oslo"]


def diary(*, with_gaps: bool) -> pl.DataFrame:
    """Passages that say who was where; with gaps every third question asks for something they do not say."""
    rows = []
    for at in range(240):
        person, place = PEOPLE[at % 4], PLACES[at // 4 % 3]
        context = f"{person} was in {place} on day {at % 9}."
        asked, answer = [("Who was there?", person), ("Which place was it?", place)][at % 2]
        if with_gaps and at % 3 == 0:
            asked, answer = "What did it cost?", ""
        answers = [{"text": answer, "start": context.index(answer)}] if answer else []
        rows.append({"context": context, "question": asked, "answers": answers})
    return pl.DataFrame(rows, schema_overrides={"answers": pl.List(pl.Struct({"text": pl.String, "start": pl.Int64}))})


def make_spec(data: Path) -> TrainSpec:
    return TrainSpec(
        task="question-answering",
        data=str(data),
        roles={"context": ["context"], "question": ["question"], "answers": ["answers"]},
        architecture="text-recurrent",
        settings={"width": 24, "length": 24, "pooling": "attention"},
        recipe=Recipe(epochs=25, batch_size=16, lr=0.01, evaluations=2),
    )


def test_words_of_a_question_are_found_again_in_the_passage() -> None:
    passage = meetings(["Rome", "was", "founded"], ["When", "was", "ROME", "found", "?"], "passage")
    assert passage[0] == passage[1]
    assert passage[2][0] != passage[0][0]
    assert passage[2][1] == passage[0][1]
    assert meetings(["Rome"], ["Rome"], "question") != meetings(["Rome"], ["Rome"], "passage")


def test_answers_are_learnt_judged_and_found_in_new_texts(make_data: Callable[..., Path], tmp_path: Path) -> None:
    spec = make_spec(make_data(diary(with_gaps=True)))
    assert list(train(spec, tmp_path / "run"))[-1].type == "finished"
    report = Report.model_validate_json((tmp_path / "run" / "report.json").read_bytes())
    assert report.metrics["f1"].value > 0.9
    assert report.metrics["answered"].value > 0.9
    assert {baseline.key for baseline in report.baselines} == {"likest-sentence", "no-answer"}

    predictor = AnswerPredictor(tmp_path / "run" / "model", choose_device(Recipe()))
    context = "Eve was in Bonn on day 3."
    questions = ["Who was there?", "Which place was it?", "What did it cost?"]
    asked: list[dict[str, object]] = [{"context": context, "question": question} for question in questions]
    answers: list[dict[str, Any]] = predictor.answer(asked, {})
    assert [answer["answer"] for answer in answers] == ["Eve", "Bonn", ""]
    assert context[answers[1]["start"] : answers[1]["end"]] == "Bonn"
    with pytest.raises(TrainingError, match="no question"):
        predictor.answer([{"context": context}], {})


def test_where_every_question_has_an_answer_one_is_always_given(make_data: Callable[..., Path], tmp_path: Path) -> None:
    spec = make_spec(make_data(diary(with_gaps=False)))
    list(train(spec, tmp_path / "run"))
    predictor = AnswerPredictor(tmp_path / "run" / "model", choose_device(Recipe()))
    assert predictor.answer([{"context": "Eve was in Bonn.", "question": "What did it cost?"}], {})[0]["answer"]


def test_scores_follow_the_rules_of_squad() -> None:
    assert exact_match("The Eiffel Tower!", ["eiffel tower"]) == 1
    assert exact_match("Eiffel", ["eiffel tower"]) == 0
    assert answer_f1("in Eiffel Tower", ["the Eiffel Tower", "Paris"]) == pytest.approx(2 * 2 / 5)
    assert answer_f1("", []) == answer_f1("the", [""]) == 1
    assert answer_f1("something", []) == 0
    assert answer_f1("北京", ["北京市"]) == pytest.approx(2 * 2 / 5)
    assert score_answers(["", "x"], [["x"], ["x"]]).tolist() == [[0, 0, 0], [1, 1, 1]]


def test_the_baseline_takes_a_new_name_from_the_likest_sentence() -> None:
    context = "Rome is old. Ada Lovelace was born in London in 1815. Nobody knows."
    assert guess_answer("Where in London was she born?", context) == "Ada Lovelace"


def test_windows_cover_a_long_passage_and_know_where_the_answer_stands() -> None:
    context = " ".join(f"w{number}" for number in range(50))
    tokenizer = build_words([context, "where is it"], 200)
    asked = [Asked("where is it", context, [("w31 w32", context.index("w31"))])]
    windows = cut_windows(tokenizer, asked, 20)
    texts = [
        [context[start:end] for start, end in windows.stretch(at) if start >= 0] for at in range(len(windows.example))
    ]
    assert {word for words in texts for word in words} == set(context.split())
    assert windows.encoded.lengths.max() <= 20
    found = 0
    for at, (first, last) in enumerate(windows.targets(asked)):
        if (first, last) != (0, 0):
            places = windows.stretch(at)
            assert context[places[first, 0] : places[last, 1]] == "w31 w32"
            found += 1
    assert found >= 1


def test_many_questions_are_cut_some_at_a_time_into_a_mapped_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    passages = [" ".join(f"w{number}" for number in range(size)) for size in (50, 4, 30)]
    tokenizer = build_words([*passages, "where is it"], 200)
    asked = [Asked("where is it", passages[at % 3], [(f"w{at}", passages[at % 3].find(f"w{at}"))]) for at in range(4)]
    whole = cut_windows(tokenizer, asked, 20, spelled=True)
    monkeypatch.setattr("training.texts.passages.AT_ONCE", 3)
    monkeypatch.setattr(mapped, "IN_MEMORY", 0)
    parts = cut_windows(tokenizer, asked, 20, spelled=True, folder=tmp_path)
    assert isinstance(parts.places, np.memmap)
    assert parts.encoded.ids.tolist() == whole.encoded.ids.tolist()
    assert (parts.places.tolist(), parts.example.tolist()) == (whole.places.tolist(), whole.example.tolist())
    assert parts.targets(asked).tolist() == whole.targets(asked).tolist()


def test_the_best_stretch_is_that_of_highest_start_plus_end_in_order_inside_the_passage() -> None:
    places = np.array([[-1, -1], [-1, -1], [0, 2], [3, 5], [6, 8], [-1, -1]])
    scores = np.array([[1.0, 1.0], [9.0, 9.0], [2.0, 5.0], [4.0, 1.0], [0.0, 2.5], [9.0, 9.0]])
    found = best_stretch(scores, places)
    assert (found.start, found.end) == (0, 2)  # 2 + 5 beats 4 + 2.5, and 4 + 5 would run backwards
    assert found.advantage == pytest.approx(5)
