"""Pieces of a page that are fetched again: many at once, under a hand, and while the site is away."""

import pytest
from playwright.sync_api import Page, Route, expect

from tests.browser.conftest import log_in

PIECES = """ids => { document.querySelector("main").innerHTML = ids.map((id) => `<div id=${id}></div>`).join(""); }"""
MODULE = "performance.getEntriesByType('resource').map((entry) => entry.name).find((name) => /js.refresh/.test(name))"
REFRESH = (
    "async ([module, ...ids]) => ids.forEach((id) => import(module).then((it) => it.refresh(id, () => `/p/${id}`)))"
)


def follow(page: Page) -> list[Route]:
    """Three empty pieces on a page of the site, and the requests for them, which nobody has answered yet."""
    asked: list[Route] = []
    page.goto("/runs/")
    page.wait_for_function(MODULE)
    page.evaluate(PIECES, ["one", "two", "three"])
    page.route("**/p/*", lambda route: asked.append(route))
    return asked


@pytest.fixture
def pieces(administrator: Page) -> list[Route]:
    """The pieces on a page whose scripts may not complain."""
    return follow(administrator)


def refresh(page: Page, *ids: str) -> None:
    page.evaluate(REFRESH, [page.evaluate(MODULE), *ids])


def wait_for(page: Page, asked: list[Route], count: int) -> None:
    for _ in range(200):
        if len(asked) >= count:
            return
        page.wait_for_timeout(50)
    pytest.fail(f"{len(asked)} requests instead of {count}")


def test_no_piece_is_lost_while_another_is_under_way(administrator, pieces):
    page = administrator
    refresh(page, "one")
    wait_for(page, pieces, 1)
    refresh(page, "one", "two", "three")
    wait_for(page, pieces, 3)
    pieces[0].fulfill(body="old", content_type="text/html")
    wait_for(page, pieces, 4)
    for route in pieces[1:]:
        route.fulfill(body=f"news of {route.request.url.rpartition('/')[2]}", content_type="text/html")
    for name in ("one", "two", "three"):
        expect(page.locator(f"#{name}")).to_have_text(f"news of {name}")


def test_an_open_menu_stays_and_gets_the_news_afterwards(administrator, pieces):
    page = administrator
    refresh(page, "one")
    wait_for(page, pieces, 1)
    page.evaluate("document.querySelector('#one').innerHTML = '<div class=\"dropdown-menu show\">Stop</div>'")
    pieces[0].fulfill(body="pulled away", content_type="text/html")
    page.wait_for_timeout(500)
    expect(page.locator("#one")).to_have_text("Stop")
    page.evaluate("document.querySelector('#one .show').classList.remove('show')")
    wait_for(page, pieces, 2)
    pieces[1].fulfill(body="news", content_type="text/html")
    expect(page.locator("#one")).to_have_text("news")


def test_a_site_that_is_away_for_a_moment_is_asked_again(chromium, site):
    quiet = chromium.new_page(base_url=site)
    log_in(quiet)
    asked = follow(quiet)
    refresh(quiet, "one")
    wait_for(quiet, asked, 1)
    asked[0].abort()
    wait_for(quiet, asked, 2)
    asked[1].fulfill(body="back", content_type="text/html")
    expect(quiet.locator("#one")).to_have_text("back")
    quiet.close()
