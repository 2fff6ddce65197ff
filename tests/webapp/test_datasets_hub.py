"""Data sets of the Hugging Face Hub on the website: asked for by name, fetched by a worker."""

from datasets_kit import import_here

from tests.hub import hub
from webapp.datasets.models import Dataset
from webapp.datasets.uploading.quota import used_bytes


def test_a_data_set_of_the_hub_is_fetched_and_understood(browser, seat, redis, settings):
    with hub() as address:
        settings.HUB_ENDPOINT = address
        answer = browser.post("/datasets/hub/", {"repository": "nature/life", "subset": "birds", "split": ""})
        dataset = import_here(Dataset.objects.get())
    assert answer["Location"] == dataset.get_absolute_url()
    assert dataset.status == Dataset.Status.READY, dataset.error
    assert dataset.name == "life"
    assert dataset.latest.describe().parts == {"train": 5, "test": 2}
    assert len(dataset.filenames) == 3
    assert dataset.original_bytes > 0


def test_a_name_that_the_hub_does_not_know_is_told_with_a_next_step(browser, seat, redis, settings):
    with hub() as address:
        settings.HUB_ENDPOINT = address
        browser.post("/datasets/hub/", {"repository": "nobody/nothing"})
        dataset = import_here(Dataset.objects.get())
    assert dataset.status == Dataset.Status.FAILED
    assert "nobody/nothing" in dataset.error["message"]
    assert dataset.error["hint"]


def test_what_the_hub_has_counts_for_the_quota_too(browser, seat, redis, settings):
    settings.PROJECT_QUOTA = 10
    with hub() as address:
        settings.HUB_ENDPOINT = address
        browser.post("/datasets/hub/", {"repository": "nature/life"})
        dataset = import_here(Dataset.objects.get())
    assert dataset.status == Dataset.Status.FAILED
    assert "there is no room for" in dataset.error["message"]
    assert used_bytes(seat.project) == 0


def test_without_a_network_it_says_so(browser, seat, redis, settings):
    settings.HUB_ENDPOINT = "http://127.0.0.1:9"
    browser.post("/datasets/hub/", {"repository": "nature/life"})
    dataset = import_here(Dataset.objects.get())
    assert dataset.status == Dataset.Status.FAILED
    assert "upload them here" in dataset.error["hint"]
    page = browser.get(dataset.get_absolute_url()).content.decode()
    assert "Fetch it again" in page
    assert '<input type="hidden" name="repository" value="nature/life">' in page
    assert "still here" not in page


def test_something_else_than_owner_and_name_is_refused_in_words(browser, seat, redis):
    answer = browser.post("/datasets/hub/", {"repository": "https://example.org/x"})
    assert "It looks like “owner/name”" in answer.content.decode()
    assert not Dataset.objects.exists()


def test_programs_bring_data_sets_of_the_hub_too(api, seat, settings):
    with hub() as address:
        settings.HUB_ENDPOINT = address
        order = {"repository": "nature/life", "subset": "birds"}
        answer = api.post("/api/v1/datasets/hub/", order, content_type="application/json")
        assert answer.status_code == 202
        dataset = import_here(Dataset.objects.get(pk=answer.json()["id"]))
    assert dataset.status == Dataset.Status.READY, dataset.error
    wrong = api.post("/api/v1/datasets/hub/", {"repository": "life"}, content_type="application/json")
    assert (wrong.status_code, wrong.json()["error"]["code"]) == (400, "bad_hub")
