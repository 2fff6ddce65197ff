"""Trying word vectors: neighbours and a map on the page, a sum of words through the API."""

from __future__ import annotations

import pytest
from runs_kit import make_version, train_here
from test_playground import worker  # noqa: F401  # the fixture

from webapp.runs.models import Run
from webapp.runs.services import propose_spec, queue_run

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def run(seat, tmp_path, worker) -> Run:  # noqa: F811
    path = tmp_path / "lines.txt"
    animals, tools = ["cat", "dog", "hen", "cow"], ["saw", "axe", "nail", "drill"]
    lines = [f"the {one} sees a {other} again" for some in (animals, tools) for one in some for other in some] * 12
    path.write_text("\n".join(lines))
    version = make_version(seat, tmp_path, name="Lines", file=path)
    column = next(column.name for column in version.describe().columns if column.type == "text")
    spec = propose_spec(version, task="word-embeddings", roles={"text": [column]}, preset="quick", recipe={"epochs": 2})
    run = train_here(queue_run(member=seat, version=version, spec=spec))
    assert run.status == Run.Status.FINISHED, run.error
    return run


def test_neighbours_and_a_map_are_on_the_page_and_sums_go_through_the_api(browser, api, run):
    page = browser.get(f"/playground/{run.pk}/").content.decode()
    assert "king - man + woman" in page
    assert "Random held-out example" not in page
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": "cat"}).content.decode()
    assert '<span class="bar-name">dog</span>' in answer
    assert 'id="word-map-places"' in answer
    asked = {"inputs": [{"text": "cat - dog + saw"}]}
    answered = api.post(f"/api/v1/runs/{run.pk}/predict/", asked, content_type="application/json").json()
    assert len(answered["outputs"][0]["neighbours"]) > 3


def test_an_unknown_word_is_told_in_words(browser, run):
    answer = browser.post(f"/playground/{run.pk}/ask/", {"in-0": "zebra"}, headers={"HX-Request": "true"})
    assert answer.status_code == 400
    assert "“zebra” is not known" in answer.content.decode()
