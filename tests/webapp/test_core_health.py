"""Is it alive, is it ready, what does it count."""

import pytest
from django.test import Client

from webapp.core import health


@pytest.fixture(autouse=True)
def nothing_remembered(monkeypatch):
    """Each test asks the workers anew."""
    monkeypatch.setattr(health, "_workers_seen", (-1000.0, {}))


def test_alive_is_said_to_everybody(client):
    assert client.get("/healthz").content == b"ok\n"


def test_without_workers_it_is_not_ready_and_says_what_is_missing(db, client, redis):
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert answer.json() == {
        "ready": False,
        "database": True,
        "redis": True,
        "workers": {"default": 0, "train": 0, "playground": 0},
    }


def test_without_redis_it_says_so_at_once(db, client, monkeypatch):
    from redis import Redis

    monkeypatch.setattr(health, "_redis", Redis.from_url("unix:///nowhere/redis.sock"))
    assert client.get("/readyz").json()["redis"] is False


def test_the_pages_go_on_while_redis_is_away(browser, settings):
    gone = {"BACKEND": "webapp.core.cache.ForgetfulCache", "LOCATION": "unix:///nowhere/redis.sock"}
    settings.CACHES = {"default": gone}
    assert browser.get("/catalog/").status_code == 200
    assert browser.get("/api/v1/projects/").status_code == 200


def test_requests_and_runs_are_counted(browser):
    browser.get("/catalog/")
    figures = browser.get("/metrics").content.decode()
    assert 'touchstone_requests_total{method="GET",status="200",view="catalog"}' in figures
    assert 'touchstone_runs{status="queued"} 0.0' in figures
    assert 'touchstone_datasets{status="ready"} 0.0' in figures


def test_strangers_do_not_read_the_figures(db, stranger, settings):
    proxied = {"x-forwarded-for": "203.0.113.9"}
    assert stranger.get("/metrics", headers=proxied).status_code == 403
    settings.METRICS_TOKEN = "scraper"
    assert Client().get("/metrics", headers=proxied | {"authorization": "Bearer scraper"}).status_code == 200
    assert Client().get("/metrics", headers=proxied | {"authorization": "Bearer guess"}).status_code == 403
