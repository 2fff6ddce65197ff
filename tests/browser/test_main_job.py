"""The main job in a real browser against real processes: from a file to an answer."""

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import PATIENCE

expect.set_options(timeout=PATIENCE)


def bring(page: Page, file) -> None:
    """Upload a file and wait until it is understood."""
    page.goto("/datasets/new/")
    page.locator("[data-files]").set_input_files(file)
    expect(page.get_by_role("button", name="New run")).to_be_visible()


def start(page: Page, *, architecture: str = "", **settings: str) -> str:
    """Start from the new run page, with some choices changed; the run's address."""
    if architecture:
        page.get_by_role("radio", name=re.compile(architecture)).check(force=True)
        expect(page).to_have_url(re.compile("architecture="))
    if settings:
        page.get_by_text("Advanced", exact=False).first.click()
    for label, value in settings.items():
        page.get_by_label(label.replace("_", " "), exact=True).fill(value)
        page.get_by_label(label.replace("_", " "), exact=True).blur()
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))
    return page.url


def curve_beyond(page: Page, step: int) -> int:
    """Wait until the training loss on the screen goes beyond a step; the step it has come to."""
    last = "document.querySelector('[data-measure=loss] .js-plotly-plot')?.data?.[0]?.x.at(-1) ?? -1"
    page.wait_for_function(f"(step) => ({last}) > step", arg=step)
    return int(page.evaluate(last))


def run_number(address: str) -> str:
    """The run's number, which is the last part of its address."""
    return address.rstrip("/").rpartition("/")[2]


def until_finished(page: Page) -> None:
    expect(page.locator("#run-header [data-status=finished]").first).to_be_visible()


def test_from_a_file_to_an_answer(administrator, shared_data):
    page = administrator

    bring(page, shared_data / "tabular" / "penguins.csv")
    page.get_by_role("button", name="New run").click()
    page.wait_for_url("**/runs/new/**")
    expect(page.get_by_label("Predict this")).to_have_value("species")
    first = start(page, Epochs="1500")

    # The curve moves by itself, and the page says how far it is.
    expect(page.locator("[data-measure=loss] .js-plotly-plot")).to_be_visible()
    curve_beyond(page, curve_beyond(page, 0))
    until_finished(page)

    # The report says how good it is and against what.
    page.get_by_role("link", name="Summary").click()
    expect(page.get_by_text("Against the baselines")).to_be_visible()
    headline = page.locator(".headline-value").inner_text()
    assert float(headline.removesuffix("%").strip()) >= 90
    expect(page.get_by_text("Always saying “Adelie”").first).to_be_visible()
    page.locator(".cell.is-right").first.click()
    expect(page.locator("#examples h2")).to_have_text("“Adelie” called “Adelie”")
    expect(page.locator("#examples .example").first).to_be_visible()

    # A second run, then both side by side.
    page.goto("/runs/new/")
    page.get_by_label("Dataset", exact=True).select_option(label="penguins")
    expect(page.get_by_label("Predict this")).to_have_value("species")
    second = start(page, architecture="Linear model")
    until_finished(page)
    page.goto("/runs/")
    for address in (first, second):
        page.locator(f"[name=pick][value='{run_number(address)}']").check()
    page.get_by_role("link", name=re.compile("^Compare .2.")).click()
    expect(page.get_by_role("heading", name="2 runs compared")).to_be_visible()
    expect(page.get_by_role("heading", name="Is the difference real?")).to_be_visible()
    expect(page.locator("#settings-diff").get_by_text("Architecture")).to_be_visible()
    expect(page.locator("#settings-diff").get_by_text("Split seed")).to_be_hidden()
    page.wait_for_function("() => document.querySelector('[data-measure=loss] .js-plotly-plot')?.data.length === 4")

    # And the model answers.
    page.goto(first)
    page.get_by_role("link", name="Try it").first.click()
    page.get_by_role("button", name="Random held-out example").click()
    expect(page.get_by_text("never seen in the training")).to_be_visible()
    page.get_by_role("button", name="Ask the model").click()
    expect(page.locator("#answer .answer-label")).to_have_text(re.compile("Adelie|Chinstrap|Gentoo"))


def test_stop_and_keep_then_resume_and_a_second_browser_sees_it_too(administrator, shared_data):
    page = administrator
    bring(page, shared_data / "tabular" / "titanic.csv")
    page.get_by_role("button", name="New run").click()
    page.wait_for_url("**/runs/new/**")
    address = start(page, Epochs="5000")
    curve_beyond(page, 0)

    other = page.context.new_page()
    other.goto(address)
    curve_beyond(other, 0)

    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop and keep").click()
    for viewer in (page, other):
        expect(viewer.locator("#run-header [data-status=stopped]").first).to_be_visible()
    expect(page.get_by_text("Resume goes on from there")).to_be_visible()
    kept = int(re.search(r"state of step ([\d,]+)", page.locator("#run-header").inner_text())[1].replace(",", ""))

    page.get_by_role("button", name="Resume").click()
    curve_beyond(other, kept)
    page.get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Stop and discard").click()
    page.evaluate(
        "header => header.replaceChildren(...header.cloneNode(true).children)", page.query_selector("#run-header")
    )
    page.locator("#confirm [value=yes]").click()  # news came in between, and put another form there
    expect(other.get_by_text("Stopped and discarded.")).to_be_visible()
