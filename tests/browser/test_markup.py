"""What people write stays words wherever it is drawn: charts too, whose library reads markup of its own."""

from pathlib import Path
from urllib.parse import quote

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE
from tests.browser.test_main_job import bring, run_number, start, until_finished

expect.set_options(timeout=PATIENCE)

PICTURE = "<img src=x onerror=document.title='run'>"
LINK = "<a href=//evil.example>here</a>"
MADE = "img[src=x], a[href^='//evil.example'], .js-plotly-plot svg a"
"""What would be on the page if words were taken for markup."""


@pytest.fixture
def table(tmp_path: Path) -> Path:
    """Two measures and two kinds, with markup for names and classes."""
    rows = [f"{n % 17},{n * 7 % 23},{(LINK, PICTURE)[n % 17 > 7]}" for n in range(120)]
    path = tmp_path / "markup.csv"
    path.write_text("\n".join([f"{PICTURE},{LINK},kind", *rows]))
    return path


def words_of_charts(page: Page, place: str) -> str:
    """The words of all charts of a page; nothing of them has become markup."""
    charts = page.locator(place)
    expect(charts.first).to_be_attached()
    for number in range(charts.count()):
        charts.nth(number).scroll_into_view_if_needed()
        expect(charts.nth(number).locator(".main-svg").first).to_be_attached()
    assert page.locator(MADE).count() == 0
    assert page.title() != "run"
    return " ".join(charts.locator("text").all_text_contents())


def test_names_and_classes_that_are_markup_are_words_in_every_chart(administrator, table):
    page = administrator
    bring(page, table)
    data = page.url.partition("?")[0]
    page.goto(f"{data}?tab=columns")
    words_of_charts(page, "[data-histogram]")
    expect(page.locator(".profile h3").first).to_have_text(PICTURE)
    expect(page.locator(".value-bar").first).to_contain_text("<")

    runs = []
    for name in (PICTURE, LINK):
        page.goto(f"/runs/new/?dataset={run_number(data)}&architecture=linear&name={quote(name)}")
        runs.append(start(page))
        until_finished(page)
    page.goto(f"{runs[0]}?tab=charts")
    words_of_charts(page, "[data-measure] .chart")
    page.goto(f"{runs[0]}?tab=summary")
    words_of_charts(page, "#report-charts .chart")
    page.goto(f"/compare/?runs={','.join(map(run_number, runs))}")
    words = words_of_charts(page, "[data-measure] .chart")
    assert PICTURE[:20] in words
    assert LINK[:20] in words
