"""Trying models: a real worker, a real serving process, a real Redis."""

from __future__ import annotations

import json
import threading
import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from runs_kit import make_version, train_here

from webapp.playground import jobs, lifecycle, served, services, serving
from webapp.playground.models import Chat, Turn
from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)

STORY = "the cat sat on the mat. the dog sat on the log. " * 40


@pytest.fixture
def worker(redis, monkeypatch):
    """Jobs run in a thread of this process, as the playground worker's pool would run them."""

    def start(job):
        return lambda *given: threading.Thread(target=job, args=given).start()

    monkeypatch.setattr(jobs.answer, "delay", start(jobs.answer))
    monkeypatch.setattr(jobs.reply, "delay", start(jobs.reply))
    yield
    deadline = time.monotonic() + 30
    while any(thread.name.startswith("Thread-") and "(answer" in thread.name for thread in threading.enumerate()):
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)


def finished_run(seat, tmp_path, **changes) -> Run:
    version = make_version(seat, tmp_path)
    spec = propose_spec(version, preset="quick", **changes)
    return train_here(queue_run(member=seat, version=version, spec=spec))


@pytest.fixture
def run(seat, tmp_path, worker) -> Run:
    return finished_run(seat, tmp_path)


@pytest.fixture
def writer(seat, tmp_path, worker) -> Run:
    """A very small language model."""
    version = make_version(
        seat, tmp_path, text="text\n" + "\n".join(f"{STORY}{number}" for number in range(20)), name="Story"
    )
    spec = propose_spec(
        version,
        task="language-modeling",
        roles={"text": ["text"]},
        architecture="recurrent-lm",
        recipe={"epochs": 0.2, "batch_size": 8},
    )
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FINISHED, run.error
    return run


def settled(turn: Turn, seconds: float = 60) -> Turn:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        turn.refresh_from_db()
        if not turn.is_open:
            return turn
        time.sleep(0.05)
    raise AssertionError(f"the reply is still {turn.status}")


def test_the_form_has_the_columns_of_the_table_and_answers(browser, run):
    page = browser.get(f"/playground/{run.pk}/").content.decode()
    assert "colour" in page
    assert '<option value="red">' in page
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": "5", "in-1": "15", "in-2": "red"}).content.decode()
    assert "rose" in answer
    assert "%" in answer


def test_a_random_held_out_example_fills_the_form_and_tells_the_truth(browser, run):
    page = browser.get(f"/playground/{run.pk}/example/").content.decode()
    assert "never seen in the training" in page
    assert 'name="truth" value="rose"' in page or 'name="truth" value="tulip"' in page


def test_an_empty_form_is_told_what_to_do(browser, run):
    answer = browser.post(f"/playground/{run.pk}/ask/", {}, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "Fill something in" in answer.content.decode()


def test_the_api_answers_every_input(api, run):
    inputs = [{"size": 5, "weight": 15, "colour": "red"}, {"size": -4, "weight": -12}]
    body = json.dumps({"inputs": inputs})
    answer = api.post(f"/api/v1/runs/{run.pk}/predict/", body, content_type="application/json")
    labels = [output["label"] for output in answer.json()["outputs"]]
    assert labels == ["rose", "tulip"]


def test_words_where_a_number_belongs_come_back_as_a_sentence(api, run):
    body = json.dumps({"inputs": [{"size": "large"}]})
    answer = api.post(f"/api/v1/runs/{run.pk}/predict/", body, content_type="application/json")
    assert answer.status_code == 400
    assert "takes a number" in answer.json()["error"]["message"]


def test_an_unfinished_run_has_no_model_to_try(browser, api, seat, tmp_path, redis):
    version = make_version(seat, tmp_path)
    run = queue_run(member=seat, version=version, spec=propose_spec(version, preset="quick"))
    assert browser.get(f"/playground/{run.pk}/").status_code == 409
    answer = api.post(f"/api/v1/runs/{run.pk}/predict/", "{}", content_type="application/json")
    assert answer.json()["error"]["hint"]


def test_somebody_elses_model_does_not_exist(stranger, run):
    assert stranger.get(f"/playground/{run.pk}/").status_code == 404
    assert stranger.post(f"/playground/{run.pk}/ask/", {"in-0": "5"}).status_code == 404


def test_a_reply_streams_and_is_kept(browser, seat, writer, redis):
    assert browser.get(f"/playground/{writer.pk}/").status_code == 200
    chat = Chat.objects.get(run=writer, owner=seat.user)
    page = browser.post(f"/playground/chats/{chat.pk}/say/", {"text": "the cat", "freedom-max_tokens": "20"})
    assert page.status_code == 200
    turn = settled(chat.turns.last())
    assert turn.status == Turn.Status.DONE
    assert turn.text
    assert 0 < turn.ending["tokens"] <= 20
    pieces = [json.loads(fields[b"data"]) for _id, fields in redis.xrange(f"live:reply-{turn.pk}")]
    assert "".join(piece.get("text", "") for piece in pieces) == turn.text


def test_stop_keeps_what_was_written(browser, seat, writer):
    chat = services.chat_with(served.of_run(writer), seat.user)
    _said, turn = services.say(chat, "the dog", {"max_tokens": 8000, "temperature": 1.0})
    deadline = time.monotonic() + 60
    while turn.status == Turn.Status.WAITING and time.monotonic() < deadline:
        time.sleep(0.02)
        turn.refresh_from_db()
    assert browser.post(f"/playground/turns/{turn.pk}/stop/").status_code == 204
    turn = settled(turn)
    assert turn.status == Turn.Status.STOPPED
    assert turn.ending["tokens"] < 8000


def test_a_reply_is_written_once_however_often_the_bell_rings(seat, writer):
    chat = services.chat_with(served.of_run(writer), seat.user)
    chat.turns.create(speaker=Turn.Speaker.USER, text="the")
    turn = chat.turns.create(speaker=Turn.Speaker.ASSISTANT, status=Turn.Status.WAITING)
    assert lifecycle.claim_turn(turn.pk) is not None
    assert lifecycle.claim_turn(turn.pk) is None


def test_another_persons_chat_cannot_be_read(stranger, seat, writer):
    chat = services.chat_with(served.of_run(writer), seat.user)
    turn = chat.turns.create(speaker=Turn.Speaker.USER, text="secret")
    assert stranger.get(f"/playground/turns/{turn.pk}/").status_code == 404
    assert stranger.post(f"/playground/chats/{chat.pk}/say/", {"text": "x"}).status_code == 404


def test_a_setting_out_of_range_is_told_and_nothing_is_said(browser, seat, writer):
    chat = services.chat_with(served.of_run(writer), seat.user)
    answer = browser.post(
        f"/playground/chats/{chat.pk}/say/",
        {"text": "the", "freedom-temperature": "99"},
        headers={"HX-Request": "true"},
    )
    assert answer.status_code == 400
    assert not chat.turns.exists()


def test_a_serving_process_that_dies_fails_its_question_and_is_started_anew(run):
    folder = served.of_run(run).folder()
    process = serving._process()
    process._process.kill()
    process._process.wait()
    output = serving.ask(folder, [{"size": 5, "weight": 15}], {})
    assert output[0]["label"] == "rose"


def test_too_large_a_file_is_refused(api, run, monkeypatch):
    monkeypatch.setattr("webapp.playground.attachments.MOST_BYTES", 10)
    answer = api.post(f"/api/v1/runs/{run.pk}/predict/", {"file": SimpleUploadedFile("x.png", b"x" * 11)})
    assert answer.status_code == 413
