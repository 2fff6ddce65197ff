"""The product as people run it, and a browser in front of it."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import pytest
from playwright.sync_api import Browser, ConsoleMessage, Page, sync_playwright

ROOT = Path(__file__).parent.parent.parent
PASSWORD = "gold-on-slate-7"
PATIENCE = 180_000
"""Milliseconds: this waits for real work on machines that are busy with other tests."""
QUIET = (
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
)


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a whole site with workers, Redis and database of its own, started by its one command."""
    folder, port = tmp_path_factory.mktemp("site"), free_port()
    with serving(folder, port) as process:
        yield f"http://127.0.0.1:{port}"
        process.send_signal(signal.SIGINT)
        with suppress(subprocess.TimeoutExpired):
            process.wait(40)


@contextmanager
def serving(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A site that is up, on the data in the folder; afterwards nothing of it is left running."""
    with (folder / "serve.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "manage.py", "serve", "--port", str(port)],
            cwd=ROOT,
            env=_environment(folder),
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
        try:
            _wait_until_up(process, f"http://127.0.0.1:{port}", folder / "serve.log")
            yield process
        finally:
            _end_at_once(process)


def _end_at_once(process: subprocess.Popen[bytes]) -> None:
    """As if somebody pulled the plug: the site and all that it started, none of which is warned."""
    with suppress(psutil.NoSuchProcess):
        everybody = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
        for one in everybody:
            with suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(everybody, timeout=20)
    process.wait()


def _environment(folder: Path) -> dict[str, str]:
    """Nothing but what differs from the defaults; the tests' own Django settings stay out."""
    names = ("TOUCHSTONE_DATA", "DATABASE_URL", "REDIS_URL", "DJANGO_SETTINGS_MODULE")
    kept = {name: value for name, value in os.environ.items() if name not in names}
    return kept | {"TOUCHSTONE_DATA": str(folder), "TOUCHSTONE_ADMIN_PASSWORD": PASSWORD}


def free_port() -> int:
    """A port on which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait_until_up(process: subprocess.Popen[bytes], address: str, log: Path) -> None:
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline and process.poll() is None:
        with suppress(urllib.error.URLError, ConnectionError, TimeoutError):
            urllib.request.urlopen(f"{address}/readyz", timeout=5).close()
            return
        time.sleep(0.2)
    pytest.fail(f"The site did not come up:\n{log.read_text()[-4000:]}")


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A real browser; one that is missing is a failure, not a reason to skip.

    While it is there an event loop runs in this process, which Django does not allow beside the tests of other files.
    """
    path = next(
        (found for name in ("chromium", "chromium-browser", "google-chrome") if (found := shutil.which(name))), ""
    )
    if not path:
        pytest.fail("No Chromium is installed. On Debian: apt-get install chromium.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=["--no-sandbox", *QUIET])
        yield browser
        browser.close()


@pytest.fixture
def page(chromium: Browser, site: str) -> Iterator[Page]:
    """An empty page of a fresh person; fails afterwards if a script complained."""
    context = chromium.new_context(base_url=site, viewport={"width": 1440, "height": 1000})
    context.set_default_timeout(PATIENCE)
    page, complaints = context.new_page(), list[str]()

    def note(message: ConsoleMessage) -> None:
        if message.type == "error":
            complaints.append(f"{message.text} ({message.location.get('url')})")

    page.on("console", note)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    assert not complaints


@pytest.fixture
def administrator(page: Page) -> Page:
    """The first administrator, logged in."""
    log_in(page)
    return page


def log_in(page: Page, address: str = "") -> None:
    """Become the first administrator of the site at the address, or of the one that the page belongs to."""
    page.goto(f"{address}/account/login/")
    page.locator("[name=login]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url("**/")
