"""Trying models that see: the region that mattered, and boxes around things."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from PIL import Image, ImageDraw
from runs_kit import make_version, train_here
from test_playground import worker  # noqa: F401  # the fixture

from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)

VOC = """<annotation><filename>{name}.png</filename><object><name>disc</name>
<bndbox><xmin>{x}</xmin><ymin>{y}</ymin><xmax>{right}</xmax><ymax>{bottom}</ymax></bndbox></object></annotation>"""


def disc(number: int, colour: str = "gold") -> bytes:
    x, y = 4 + 5 * (number % 7), 4 + 4 * (number % 6)
    picture = Image.new("RGB", (72, 64), (20, 20, 40 + number))
    ImageDraw.Draw(picture).ellipse((x, y, x + 28, y + 28), fill=colour)
    buffer = io.BytesIO()
    picture.save(buffer, "PNG")
    return buffer.getvalue()


def finished(seat, tmp_path: Path, files: dict[str, bytes], name: str, **changes) -> Run:
    packed = tmp_path / f"{name}.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        for path, content in files.items():
            archive.writestr(path, content)
    version = make_version(seat, tmp_path, name=name, file=packed)
    run = train_here(queue_run(member=seat, version=version, spec=propose_spec(version, preset="quick", **changes)))
    assert run.status == Run.Status.FINISHED, run.error
    return run


def ask(browser, run: Run, picture: bytes) -> str:
    sent = SimpleUploadedFile("one.png", picture, "image/png")
    return browser.post(f"/playground/{run.pk}/ask/", {"in-0": sent}).content.decode()


def test_a_picture_is_answered_with_the_region_that_mattered(browser, seat, tmp_path, worker):  # noqa: F811
    files = {f"{colour}/{number}.png": disc(number, colour) for colour in ("gold", "blue") for number in range(20)}
    run = finished(seat, tmp_path, files, "Colours", recipe={"epochs": 4})
    answer = ask(browser, run, disc(50, "blue"))
    assert '<p class="answer-label">blue</p>' in answer
    assert 'class="region" src="data:image/png;base64,' in answer


def test_things_are_found_and_boxes_drawn(browser, api, seat, tmp_path, worker):  # noqa: F811
    files = {}
    for number in range(40):
        x, y = 4 + 5 * (number % 7), 4 + 4 * (number % 6)
        files[f"{number}.png"] = disc(number)
        files[f"{number}.xml"] = VOC.format(name=number, x=x, y=y, right=x + 28, bottom=y + 28).encode()
    run = finished(
        seat,
        tmp_path,
        files,
        "Discs",
        settings={"width": 8, "image_size": 64},
        recipe={"epochs": 40, "batch_size": 8, "evaluations": 1},
    )
    assert run.task == "object-detection"
    answer = ask(browser, run, disc(3))
    assert "1 thing found" in answer
    assert 'class="found" src="data:image/jpeg;base64,' in answer
    sent = SimpleUploadedFile("one.png", disc(3), "image/png")
    answered = api.post(f"/api/v1/runs/{run.pk}/predict/", {"picture": sent}, format="multipart").json()
    (box,) = answered["outputs"][0]["boxes"]
    assert box["label"] == "disc"
    assert abs(box["x"] - 19) + abs(box["y"] - 16) < 8
