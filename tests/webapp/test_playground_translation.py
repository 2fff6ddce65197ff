"""Trying a model that translates: a text on the page with the map of attention, and through the API."""

from __future__ import annotations

import csv
import itertools

import pytest
from runs_kit import make_version, train_here
from test_playground import worker  # noqa: F401  # the fixture

from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)

COLOURS = {"red": "rot", "blue": "blau", "green": "grün"}
THINGS = {"house": "Haus", "car": "Auto", "boat": "Boot", "ball": "Ball"}


@pytest.fixture
def run(seat, tmp_path, worker) -> Run:  # noqa: F811
    path = tmp_path / "pairs.csv"
    with path.open("w") as file:
        writer = csv.writer(file)
        writer.writerow(["en", "de"])
        for colours in itertools.permutations(COLOURS, 2):
            for thing in THINGS:
                english = f"there is a {colours[0]} and {colours[1]} {thing} here"
                german = f"hier ist {COLOURS[colours[0]]} und {COLOURS[colours[1]]} gefärbt: {THINGS[thing]}"
                writer.writerow([english, german])
    version = make_version(seat, tmp_path, name="Pairs", file=path)
    spec = propose_spec(version, preset="quick", recipe={"epochs": 20})
    assert spec.task == "translation"
    assert spec.roles == {"source": ["en"], "target": ["de"]}
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FINISHED, run.error
    return run


def test_a_text_is_translated_on_the_page_with_a_map_and_through_the_api(browser, api, run):
    page = browser.get(f"/playground/{run.pk}/").content.decode()
    assert "<textarea" in page
    assert "de</label>" not in page
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": "there is a red boat"}).content.decode()
    assert 'class="answer-text"' in answer
    assert '<th scope="row">hier</th>' in answer
    assert '<th scope="col"><span>boat</span></th>' in answer
    asked = {"inputs": [{"en": "there is a red boat"}], "options": {"beams": 1}}
    answered = api.post(f"/api/v1/runs/{run.pk}/predict/", asked, content_type="application/json").json()
    assert answered["outputs"][0]["text"].startswith("hier ist")


def test_a_held_out_pair_is_shown_with_its_own_translation(browser, run):
    page = browser.get(f"/playground/{run.pk}/example/").content.decode()
    assert "there is a" in page
    assert 'name="truth" value="hier ist' in page
