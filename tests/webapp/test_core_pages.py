"""What every page has in common."""

import re

import pytest
from django.core.management import call_command
from django.test import Client

from training.architectures import ARCHITECTURES
from training.tasks import TASKS
from webapp.datasets.models import Dataset

PAGES = [
    "/",
    "/datasets/",
    "/datasets/new/",
    "/runs/",
    "/runs/new/",
    "/compare/",
    "/queue/",
    "/playground/",
    "/catalog/",
    "/projects/",
    "/tokens/",
    "/account/password/change/",
    "/account/2fa/",
    "/api/docs/",
]


@pytest.fixture
def pages(browser, redis) -> dict[str, str]:
    """The HTML of each page by its address."""
    return {address: browser.get(address, follow=True).content.decode() for address in PAGES}


def found(pages: dict[str, str], pattern: str) -> list[tuple[str, str]]:
    """Where the pattern occurs, with the page."""
    return [(address, match) for address, page in pages.items() for match in re.findall(pattern, page, re.DOTALL)]


def test_every_page_answers_and_allows_only_our_own_scripts(browser, redis):
    for address in PAGES:
        answer = browser.get(address, follow=True)
        assert answer.status_code == 200, address
        assert re.search(r"script-src 'self'(;|$)", answer["Content-Security-Policy"]), address


def test_no_page_has_an_inline_script_or_a_handler(pages):
    assert found(pages, r"<script(?![^>]*(?:\ssrc=|application/json))[^>]*>") == []
    assert found(pages, r"<[a-z][^>]*\son[a-z]+\s*=") == []


def test_no_page_loads_anything_from_elsewhere(pages):
    assert found(pages, r'(?:src|<link[^>]*href)="(?:https?:)?//[^"]*"') == []


def test_every_page_has_one_heading_a_title_and_a_way_past_the_menu(pages):
    for pattern in (r"<h1\b", r"<title>\s*\S[^<]* · Touchstone</title>", r'<html lang="en">', r'href="#content"'):
        assert [address for address, _ in found(pages, pattern)] == PAGES, pattern


def test_no_page_has_two_primary_buttons(pages):
    primary = [address for address, _ in found(pages, r'class="[^"]*\bbtn-primary\b')]
    assert len(primary) == len(set(primary))


def test_every_picture_has_words_and_every_bare_icon_button_a_name(pages):
    assert found(pages, r"<img(?![^>]*\balt=)[^>]*>") == []
    assert found(pages, r"<button(?![^>]*aria-label)[^>]*>\s*<svg[^>]*>(?:(?!</?svg).)*</svg>\s*</button>") == []


@pytest.mark.parametrize("key", list(TASKS))
def test_every_task_has_its_page(browser, key):
    page = browser.get(f"/catalog/tasks/{key}/").content.decode()
    assert TASKS[key].title in page
    assert all(metric.key in page for metric in TASKS[key].metrics)


@pytest.mark.parametrize("key", list(ARCHITECTURES))
def test_every_architecture_has_its_page_with_every_setting(browser, key):
    page = browser.get(f"/catalog/architectures/{key}/").content.decode()
    assert all(f'<code class="text-faint">{name}</code>' in page for name in ARCHITECTURES[key].model_fields)


def test_what_is_not_in_the_catalog_is_not_found(browser):
    assert browser.get("/catalog/tasks/fortune-telling/").status_code == 404
    assert browser.get("/catalog/architectures/crystal-ball/").status_code == 404


def test_the_catalog_over_rest_carries_the_schema_of_the_settings(api):
    catalog = api.get("/api/v1/catalog/").json()
    assert [task["key"] for task in catalog["tasks"]] == list(TASKS)
    mlp = next(entry for entry in catalog["architectures"] if entry["key"] == "mlp")
    assert mlp["settings"]["properties"]["dropout"]["maximum"] == 0.9
    assert catalog["recipe"]["properties"]["lr"]["title"] == "Learning rate"
    assert catalog["presets"] == ["quick", "balanced", "thorough"]


def test_the_schema_of_the_api_knows_tokens_and_every_call(browser, redis):
    schema = browser.get("/api/schema/?format=json").json()
    assert schema["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    assert {"/api/v1/catalog/", "/api/v1/projects/", "/api/v1/datasets/", "/api/v1/runs/"} <= set(schema["paths"])


def test_the_description_of_the_api_has_no_gaps(tmp_path):
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(tmp_path / "schema.yml"))


def test_an_unknown_address_leads_back_home(browser):
    answer = browser.get("/no/such/page/")
    assert answer.status_code == 404
    assert "There is nothing here" in answer.content.decode()
    assert 'href="/"' in answer.content.decode()


def test_a_form_from_another_site_is_refused_with_words(seat):
    client = Client(enforce_csrf_checks=True)
    client.force_login(seat.user)
    answer = client.post("/projects/", {"name": "Lighthouse"})
    assert answer.status_code == 403
    assert "open for too long" in answer.content.decode()


def test_a_starter_that_is_there_is_one_click_from_a_run(browser, seat, redis):
    assert "Take it" in browser.get("/").content.decode()
    dataset = Dataset.objects.create(
        project=seat.project,
        owner=seat.user,
        name="Iris",
        status="ready",
        filename="iris.csv",
        source="x",
        starter="iris",
    )
    page = browser.get("/").content.decode()
    assert f'href="/runs/new/?dataset={dataset.pk}"' in page
    assert "/datasets/starters/iris/" not in page
    assert "/datasets/starters/penguins/" in page


def test_the_page_of_an_architecture_shows_only_what_decides_something(browser):
    counted = browser.get("/catalog/architectures/counted-words/").content.decode()
    network = browser.get("/catalog/architectures/text-cnn/").content.decode()
    assert "Learning rate" in network
    assert "Learning rate" not in counted
    assert "Seed" in counted
    assert "Mix pictures" not in network
