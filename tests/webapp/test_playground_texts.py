"""Trying models that mark stretches of a text: names, and answers to questions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.template.loader import render_to_string
from runs_kit import make_version, train_here

from tests.webapp.test_playground import worker  # noqa: F401
from training.tasks import TASKS
from webapp.playground import presenters
from webapp.playground.served import Served
from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)

SMALL: dict[str, Any] = {
    "settings": {"width": 16, "length": 32, "layers": 1},
    "recipe": {"epochs": 12, "batch_size": 8, "lr": 0.01},
}


def learnt(seat, tmp_path, file: str, text: str) -> Run:
    path = tmp_path / file
    path.write_text(text)
    version = make_version(seat, tmp_path, name=file, file=path)
    run = train_here(
        queue_run(member=seat, version=version, spec=propose_spec(version, architecture="text-recurrent", **SMALL))
    )
    assert run.status == Run.Status.FINISHED, run.error
    return run


@pytest.fixture
def tagger(seat, tmp_path, worker) -> Run:  # noqa: F811
    names = ("Ada", "Bob", "Eve")
    sentences = [f"we O\nmet O\n{names[at % 3]} B-person\nat O\n{at % 9} O\n" for at in range(90)]
    return learnt(seat, tmp_path, "names.conll", "\n".join(sentences))


@pytest.fixture
def answerer(seat, tmp_path, worker) -> Run:  # noqa: F811
    names, entries = ("Ada", "Bob", "Eve"), []
    for at in range(90):
        context = f"{names[at % 3]} wrote the letter that was found in drawer {at}."
        answers = [{"text": names[at % 3], "answer_start": 0}]
        question = {"id": str(at), "question": f"Who wrote letter {at}?", "answers": answers}
        entries.append({"title": "letters", "paragraphs": [{"context": context, "qas": [question]}]})
    return learnt(seat, tmp_path, "letters.json", json.dumps({"version": "1.1", "data": entries}))


def test_names_are_marked_in_what_was_typed_and_in_held_out_sentences(browser, tagger):
    page = browser.get(f"/playground/{tagger.pk}/").content.decode()
    assert "<textarea" in page
    answer = browser.post(f"/playground/{tagger.pk}/ask/", {"in-0": "we met Eve at 3"}).content.decode()
    assert '<mark data-series="1"' in answer
    assert "Eve <small>person</small>" in answer
    drawn = browser.get(f"/playground/{tagger.pk}/example/").content.decode()
    assert "we met" in drawn
    assert "(person)" in drawn


def test_the_answer_to_a_question_is_marked_in_its_text(browser, answerer):
    page = browser.get(f"/playground/{answerer.pk}/").content.decode()
    assert page.count("<textarea") == 2
    asked = {"in-0": "Bob wrote the letter that was found in drawer 7.", "in-1": "Who wrote letter 7?"}
    answer = browser.post(f"/playground/{answerer.pk}/ask/", asked).content.decode()
    assert '<p class="answer-label">Bob</p>' in answer
    assert ">Bob</mark> wrote the letter" in answer


@pytest.fixture
def complaints() -> list[dict[str, Any]]:
    said = [[fault for place, fault in enumerate(("cold", "loud")) if at >> place & 1] for at in range(120)]
    return [
        {"review": f"The room we had, number {at}, was {' and '.join(faults) or 'just fine'}.", "faults": faults}
        for at, faults in enumerate(said)
    ]


@pytest.mark.usefixtures("worker")
def test_several_labels_each_have_a_bar_and_the_page_says_that_they_need_not_add_up(
    browser, seat, tmp_path, complaints
):
    run = learnt(seat, tmp_path, "faults.jsonl", "\n".join(map(json.dumps, complaints)))
    assert run.task == "text-multilabel"
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": "The room we had, number 3, was cold and loud."})
    page = answer.content.decode()
    assert '<p class="answer-label">cold, loud</p>' in page
    assert page.count("bar-row") == 2
    assert "is-other" not in page
    assert "need not add up" in page
    assert "Words that mattered" in page
    report = browser.get(f"/runs/{run.pk}/").content.decode()
    assert "F1 (micro)" in report
    assert "All labels right" in report


@pytest.mark.usefixtures("worker")
def test_a_number_read_out_of_a_text_is_told_with_the_words_that_moved_it(browser, seat, tmp_path, complaints):
    rows = [
        {"review": row["review"], "price": 90.5 - 20 * len(row["faults"]) + at / 100}
        for at, row in enumerate(complaints)
    ]
    run = learnt(seat, tmp_path, "prices.jsonl", "\n".join(map(json.dumps, rows)))
    assert run.task == "text-regression"
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": "The room we had, number 3, was cold and loud."})
    page = answer.content.decode()
    assert "off by" in page
    assert "Gold words raised the number" in page


def drawn(task: str, output: dict[str, Any], truth: str) -> str:
    """The piece of the page that shows what a model of the task has answered."""
    model = Served(key="run-1", title="A model", task=TASKS[task])
    told = {"truth": presenters.truth_in_words(output, truth)}
    return render_to_string("playground/_answer.html", presenters.answer(model, output) | told)


def test_likeness_is_explained_and_a_text_is_not_the_truth_about_it():
    page = drawn("text-matching", {"value": 0.92}, "the second text itself")
    assert "1 at most" in page
    assert "The truth is" not in page
    rated = drawn("text-similarity", {"value": 4.2}, "5.0")
    assert "1 at most" not in rated
    assert "The truth is <strong>5" in rated


def test_where_nothing_was_written_there_is_no_map_of_attention():
    looked = {"source": ["a", "boat"], "target": [""], "weights": [[0.5, 0.5]]}
    assert "Where it looked" not in drawn("translation", {"text": "", "confidence": 0.1, "attention": looked}, "")
