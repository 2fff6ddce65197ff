"""A table with sounds from the upload to the answer: proposed, trained, tried on the page and by REST."""

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


def tone(high: int) -> bytes:
    """Half a second of one pitch."""
    encoded = io.BytesIO()
    soundfile.write(encoded, 0.3 * np.sin(np.arange(4_000) * (0.2 + 0.6 * high)), 8_000, format="WAV")
    return encoded.getvalue()


def test_a_row_with_a_sound_is_proposed_learnt_and_answered(
    browser,
    api,
    seat,
    tmp_path,
    worker,  # noqa: F811
):
    random, packed, lines = np.random.default_rng(0), tmp_path / "calls.zip", ["audio,weight,age"]
    with zipfile.ZipFile(packed, "w") as archive:
        for at in range(60):
            weight = random.uniform(1, 9)
            archive.writestr(f"calls/{at}.wav", tone(at % 2))
            lines.append(f"calls/{at}.wav,{weight:.2f},{weight + 20 * (at % 2):.2f}")
        archive.writestr("calls.csv", "\n".join(lines))
    version = make_version(seat, tmp_path, name="Calls", file=packed)
    spec = propose_spec(version, task="tabular-regression", roles={"target": "age"}, preset="quick")
    assert (spec.architecture, spec.roles["features"]) == ("multimodal", ["audio", "weight"])
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FINISHED, run.error

    page = browser.get(f"/playground/{run.pk}/").content.decode()
    assert re.search(r'<input type="file" name="in-0"[^>]*accept="audio/\*"', page)
    assert browser.get(f"/playground/{run.pk}/example/").status_code == 200
    values = []
    for high in (0, 1):
        row = {"audio": SimpleUploadedFile("one.wav", tone(high)), "weight": "5"}
        answer = api.post(f"/api/v1/runs/{run.pk}/predict/", row, format="multipart")
        values.append(answer.json()["outputs"][0]["value"])
    assert values[0] + 5 < values[1]
