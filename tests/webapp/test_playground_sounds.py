"""Trying a model that hears: a file from the page, a held-out sound, a file through the API."""

from __future__ import annotations

import io
import re
import zipfile

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from runs_kit import make_version, train_here
from test_playground import worker  # noqa: F401  # the fixture

from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)


def tone(kind: str, number: int = 0) -> SimpleUploadedFile:
    pitch = {"low": 0.2, "high": 1.2}[kind]
    buffer = io.BytesIO()
    soundfile.write(buffer, 0.3 * np.sin(np.arange(4_000 + 20 * number) * pitch), 8_000, format="WAV")
    return SimpleUploadedFile("tone.wav", buffer.getvalue(), "audio/wav")


def finished(seat, tmp_path, **changes) -> Run:
    packed = tmp_path / "tones.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for kind in ("low", "high"):
            for number in range(30):
                archive.writestr(f"{kind}/{number}.wav", tone(kind, number).read())
    version = make_version(seat, tmp_path, name="Tones", file=packed)
    spec = propose_spec(version, preset="quick", **changes)
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FINISHED, run.error
    return run


@pytest.fixture
def run(seat, tmp_path, worker) -> Run:  # noqa: F811
    run = finished(seat, tmp_path, recipe={"epochs": 3})
    assert run.task == "audio-classification"
    return run


def test_a_sound_is_answered_on_the_page_and_through_the_api(browser, api, run):
    page = browser.get(f"/playground/{run.pk}/").content.decode()
    assert 'accept="audio/*"' in page
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": tone("high")}).content.decode()
    assert '<p class="answer-label">high</p>' in answer
    answered = api.post(f"/api/v1/runs/{run.pk}/predict/", {"sound": tone("low")}, format="multipart")
    assert answered.json()["outputs"][0]["label"] == "low"


def test_a_held_out_sound_can_be_listened_to_and_its_file_is_served(browser, run):
    page = browser.get(f"/playground/{run.pk}/example/").content.decode()
    assert "never seen in the training" in page
    address = re.search(r'<audio controls data-example src="([^"]+)"', page).group(1)
    sound = browser.get(address.replace("&amp;", "&"))
    assert sound["Content-Type"] == "audio/wav"
    assert soundfile.read(io.BytesIO(sound.content))[1] == 8_000


def test_a_file_that_is_no_sound_is_told_in_words(browser, run):
    noise = SimpleUploadedFile("words.wav", b"these are words", "audio/wav")
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": noise}, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "no sound that can be read" in answer.content.decode()


def test_what_was_said_is_written_on_the_page_as_through_the_api(browser, api, seat, tmp_path, worker):  # noqa: F811
    run = finished(seat, tmp_path, task="speech-recognition", recipe={"epochs": 6, "batch_size": 8})
    page = browser.post(f"/playground/{run.pk}/ask/", {"in-0": tone("high")}).content.decode()
    answered = api.post(f"/api/v1/runs/{run.pk}/predict/", {"sound": tone("high")}, format="multipart").json()
    written = answered["outputs"][0]["text"]
    assert f'<p class="answer-text">{written or "—"}</p>' in page
