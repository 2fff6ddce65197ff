"""What a model was shown, as somebody would write it."""

import json
from typing import Any

import pytest
from runs_kit import make_version

from webapp.runs.inputs import Shown, inputs_of
from webapp.runs.services import propose_spec

pytestmark = pytest.mark.django_db


def shown_of(seat, tmp_path, file: str, text: str) -> list[Shown]:
    path = tmp_path / file
    path.write_text(text)
    version = make_version(seat, tmp_path, name=file, file=path)
    return inputs_of(version, propose_spec(version, architecture="text-recurrent"), [0])[0]


def test_tagged_words_are_shown_as_the_sentence_that_they_make(seat, tmp_path):
    shown = shown_of(
        seat, tmp_path, "names.conll", "\n".join(f"we O\nmet O\nAda B-person\nat O\n{at} O\n" for at in range(20))
    )
    assert [(cell.kind, cell.value) for cell in shown] == [("text", "we met Ada at 0")]


def test_the_answers_that_are_asked_for_are_not_among_what_was_seen(seat, tmp_path):
    shown = shown_of(seat, tmp_path, "letters.json", json.dumps({"version": "1.1", "data": letters()}))
    assert {cell.column for cell in shown} == {"context", "question"}


def letters() -> list[dict[str, Any]]:
    """Questions whose answer is the first word of a text."""
    asked = {"question": "Who wrote?", "answers": [{"text": "Ada", "answer_start": 0}]}
    texts = [f"Ada wrote letter {at}." for at in range(20)]
    return [{"title": "Letters", "paragraphs": [{"context": text, "qas": [{"id": text, **asked}]}]} for text in texts]
