"""Starter experiments on the website: one click, the mathematics, and whether the promise was held."""

from __future__ import annotations

from tests.webapp.datasets_kit import import_here
from tests.webapp.runs_kit import train_here
from training.experiments import EXPERIMENTS
from webapp.runs.experiments import services as experiments
from webapp.runs.models import Run


def test_the_catalog_leads_to_every_experiment(browser, redis):
    page = browser.get("/catalog/").content.decode()
    for key in EXPERIMENTS:
        assert f'href="/experiments/{key}/"' in page
        shown = browser.get(f"/experiments/{key}/").content.decode()
        assert "What the loss is" in shown
        assert "<math" in shown
    assert browser.get("/experiments/alchemy/").status_code == 404


def test_one_click_brings_the_data_and_then_queues_the_run(browser, seat, redis):
    first = browser.post("/experiments/least-squares/start/").content.decode()
    assert "Preparing the data" in first
    assert 'hx-trigger="load delay' in first
    dataset = seat.project.datasets.get(starter="four-points")
    browser.post("/experiments/least-squares/start/")
    assert seat.project.datasets.count() == 1
    import_here(dataset)
    answer = browser.post("/experiments/least-squares/start/")
    assert answer["HX-Redirect"] == "/experiments/least-squares/"
    run = Run.objects.get(experiment="least-squares")
    assert run.spec["roles"] == {"target": ["y"], "features": ["x"]}

    train_here(run)
    shown = browser.get("/experiments/least-squares/").content.decode()
    assert "As promised" in shown
    assert experiments.attempt(seat.project, EXPERIMENTS["least-squares"]).held


def test_data_that_failed_is_told_with_what_to_do(browser, seat, redis):
    browser.post("/experiments/truth-table/start/")
    seat.project.datasets.update(status="failed")
    answer = browser.post("/experiments/truth-table/start/", headers={"HX-Request": "true"})
    assert "could not be read" in answer.content.decode()
    assert not Run.objects.exists()
