"""Trying models that mark stretches of a text: names, and answers to questions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from runs_kit import make_version, train_here

from tests.webapp.test_playground import worker  # noqa: F401
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
