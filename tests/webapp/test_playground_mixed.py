"""A table with texts and pictures from the upload to the answer: proposed, trained, tried on the page and by REST."""

from __future__ import annotations

import io
import json
import re
import zipfile

import numpy as np
import pytest
import soundfile
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image
from runs_kit import make_version, train_here
from test_playground import worker  # noqa: F401  # the fixture

from webapp.runs.drafting.new_run import NewRun
from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)


def photo(light: int) -> bytes:
    encoded = io.BytesIO()
    Image.new("RGB", (16, 16), (40 + 150 * light,) * 3).save(encoded, "PNG")
    return encoded.getvalue()


@pytest.fixture
def version(seat, tmp_path):
    """Flats with a photo, a description and two numbers, as a ZIP of a CSV and pictures."""
    random, packed = np.random.default_rng(0), tmp_path / "flats.zip"
    lines = ["image,description,size,floor,price"]
    with zipfile.ZipFile(packed, "w") as archive:
        for at in range(80):
            light, calm = at % 2, at // 2 % 2
            words = ("next to a loud street with much traffic", "in a calm lane with many trees")[calm]
            size = random.uniform(20, 90)
            archive.writestr(f"photos/{at}.png", photo(light))
            lines.append(
                f"photos/{at}.png,Flat number {at} is {words},{size:.1f},{at % 7},{size + 50 * light + 50 * calm:.1f}"
            )
        archive.writestr("flats.csv", "\n".join(lines))
    return make_version(seat, tmp_path, name="Flats", file=packed)


@pytest.fixture
def run(seat, version, worker) -> Run:  # noqa: F811
    spec = propose_spec(version, task="tabular-regression", roles={"target": "price"}, preset="quick")
    assert spec.architecture == "multimodal"
    assert spec.roles["features"] == ["image", "description", "size", "floor"]
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FINISHED, run.error
    return run


def test_a_row_with_a_text_and_a_picture_is_answered_on_the_page_and_through_rest(browser, api, run):
    page = browser.get(f"/playground/{run.pk}/").content.decode()
    assert re.search(r'<input type="file" name="in-0"[^>]*accept="image/\*"', page)
    assert re.search(r'<textarea name="in-1"', page)
    row = {"image": SimpleUploadedFile("one.png", photo(1)), "description": "In a calm lane", "size": "50"}
    filled = dict(zip(("in-0", "in-1", "in-2"), row.values(), strict=True))
    asked = browser.post(f"/playground/{run.pk}/ask/", filled | {"truth": "437300.0"})
    assert "437,300" in asked.content.decode()
    on_page = float(re.search(r'answer-label">([\d.]+)<', asked.content.decode()).group(1))
    row["image"] = SimpleUploadedFile("one.png", photo(1))
    answered = api.post(f"/api/v1/runs/{run.pk}/predict/", row, format="multipart")
    assert answered.json()["outputs"][0]["value"] == pytest.approx(on_page, abs=0.06)


def test_a_held_out_row_comes_with_its_picture(browser, run):
    page = browser.get(f"/playground/{run.pk}/example/").content.decode()
    address = re.search(r'data-example-of="id_in-0" src="([^"]+)"', page).group(1)
    assert Image.open(io.BytesIO(browser.get(address.replace("&amp;", "&")).content)).size == (16, 16)
    assert "Flat number" in page


def test_a_held_out_row_comes_with_its_sound(browser, seat, tmp_path):
    packed = tmp_path / "engines.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for at in range(40):
            archive.writestr(f"{at}.wav", hum(220 * (1 + at % 2)))
        lines = [f"{at}.wav,{at % 5},{('calm', 'shrill')[at % 2]}" for at in range(40)]
        archive.writestr("engines.csv", "\n".join(["sound,age,state", *lines]))
    version = make_version(seat, tmp_path, name="Engines", file=packed)
    roles = {"target": "state", "features": ["audio", "age"]}
    spec = propose_spec(version, task="tabular-classification", roles=roles, preset="quick")
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    page = browser.get(f"/playground/{run.pk}/example/").content.decode()
    address = re.search(r'<audio[^>]* data-example-of="id_in-0" src="([^"]+)"', page).group(1)
    sound, rate = soundfile.read(io.BytesIO(browser.get(address.replace("&amp;", "&")).content))
    assert (len(sound), rate) == (800, 8_000)


def hum(hertz: int) -> bytes:
    encoded = io.BytesIO()
    soundfile.write(encoded, 0.3 * np.sin(2 * np.pi * hertz * np.arange(800) / 8_000), 8_000, format="WAV")
    return encoded.getvalue()


def test_a_place_on_the_server_is_no_picture(api, run):
    body = json.dumps({"inputs": [{"image": "/etc/hostname", "size": 3}]})
    answer = api.post(f"/api/v1/runs/{run.pk}/predict/", body, content_type="application/json")
    assert answer.status_code == 400
    assert "takes a file" in answer.json()["error"]["message"]


def test_the_network_for_texts_and_pictures_is_recommended_where_a_table_has_them(seat, version, query):
    chosen = query({"dataset": str(version.dataset.pk), "task": "tabular-regression"})
    assert NewRun(member=seat, data=chosen).architecture.key == "multimodal"
    plain = query({"dataset": str(version.dataset.pk), "task": "tabular-regression", "role.features": "size"})
    assert NewRun(member=seat, data=plain).architecture.key == "mlp"


@pytest.fixture
def query():
    """The query string of the page New run."""
    from django.http import QueryDict

    def make(values: dict[str, str]) -> QueryDict:
        data = QueryDict(mutable=True)
        data.update(values)
        return data

    return make
