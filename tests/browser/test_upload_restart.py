"""An upload in a real browser that goes on although its server is killed meanwhile."""

import hashlib
import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Request, expect

from tests.browser.conftest import PATIENCE, free_port, log_in, serving

expect.set_options(timeout=PATIENCE)

ROWS = 400_000
LINE = 3_000_000
"""Bytes per second that the browser may send: the file takes long enough to be cut off."""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A table of some twenty megabytes."""
    numbers = np.random.default_rng(0).normal(size=(ROWS, 6))
    path = tmp_path / "measured.csv"
    np.savetxt(path, numbers, fmt="%.6f", delimiter=",", header="a,b,c,d,e,f", comments="")
    return path


@pytest.fixture
def page(chromium: Browser) -> Page:
    """A page on a slow line; it may complain about a server that is away."""
    context = chromium.new_context(viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE)
    page = context.new_page()
    line = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": LINE}
    context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)
    return page


def test_an_upload_goes_on_when_the_server_was_killed_and_started_again(page, file, tmp_path):
    folder, port = tmp_path / "site", free_port()
    folder.mkdir()
    errors: list[str] = []
    sent: list[int] = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.on("request", lambda request: note(request, sent))
    address = f"http://127.0.0.1:{port}"
    with serving(folder, port):
        log_in(page, address)
        page.goto(f"{address}/datasets/new/")
        page.locator("[data-files]").set_input_files(file)
        page.wait_for_function("() => document.querySelector('[data-uploads] [data-progress]')?.ariaValueNow > 40")
    expect(page.get_by_text("The connection is lost")).to_be_visible()
    expect(page.get_by_role("button", name="Try now")).to_be_visible()
    before = len(sent)
    with serving(folder, port):
        expect(page.get_by_role("button", name="New run")).to_be_visible()
        expect(page.get_by_text(re.compile("400,000"))).not_to_have_count(0)
        original = page.request.get(f"{page.url}original/").body()
    assert hashlib.sha256(original).digest() == hashlib.sha256(file.read_bytes()).digest()
    assert sent[0] == 0
    assert min(sent[before:]) > 0, "it began anew"
    assert errors == []


def note(request: Request, sent: list[int]) -> None:
    """Write down where a chunk begins."""
    if request.method == "PUT":
        sent.append(int(request.headers["upload-offset"]))
