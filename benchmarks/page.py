"""What somebody at the screen waits for: from Start to the first point, and how old a point is when it is drawn.

`python benchmarks/page.py` starts the whole product as `make run` does, uploads the penguins in Chromium, and then, 5
times, presses Start with the default settings and watches the curve on the run's page frame by frame. The first start
warms the workers up and is not counted. Goals: at most 3 s, and at most 500 ms.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
PORT, PASSWORD, STARTS = int(os.environ.get("PORT", "8138")), "gold-on-slate-7", 5
SITE = f"http://127.0.0.1:{PORT}"
PENGUINS = ROOT / "training" / "data" / "starter_files" / "penguins.csv"
WATCH = """
window.seen = [];
window.told = [];
window.EventSource = class extends EventSource {
  constructor(...options) {
    super(...options);
    this.addEventListener("progress", (message) => {
      const { points, time } = JSON.parse(message.data);
      if (points["train/loss"]) window.told.push([points["train/loss"].steps.at(-1), time]);
    });
  }
};
const look = () => {
  const steps = document.querySelector("[data-measure=loss] .js-plotly-plot")?.data?.[0]?.x;
  if (steps?.length && steps.at(-1) !== window.seen.at(-1)?.[0]) window.seen.push([steps.at(-1), Date.now() / 1000]);
  requestAnimationFrame(look);
};
look();
"""
Moments = list[tuple[int, float]]


def main() -> None:
    """Start everything, measure, end everything."""
    folder = Path(tempfile.mkdtemp(prefix="touchstone-page-"))
    environment = os.environ | {"TOUCHSTONE_DATA": str(folder), "TOUCHSTONE_ADMIN_PASSWORD": PASSWORD}
    command = [sys.executable, "manage.py", "serve", "--port", str(PORT)]
    with (folder / "serve.log").open("wb") as log:
        server = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=log, stderr=log)
    try:
        wait_until_up()
        with sync_playwright() as playwright:
            chromium = shutil.which("chromium") or playwright.chromium.executable_path
            page = playwright.chromium.launch(
                executable_path=chromium, args=["--no-sandbox", "--disable-gpu"]
            ).new_page()
            page.add_init_script(WATCH)
            measure(page)
    finally:
        server.send_signal(signal.SIGINT)
        server.wait()
        shutil.rmtree(folder, ignore_errors=True)


def measure(page: Page) -> None:
    """Log in, upload, start again and again."""
    page.set_default_timeout(120_000)
    expect.set_options(timeout=120_000)
    page.goto(f"{SITE}/account/login/")
    page.locator("[name=login]").fill("admin")
    page.locator("[name=password]").fill(PASSWORD)
    page.locator("[name=password]").press("Enter")
    page.wait_for_url(f"{SITE}/")
    page.goto(f"{SITE}/datasets/new/")
    page.locator("[data-files]").set_input_files(PENGUINS)
    page.get_by_role("button", name="New run").click()
    page.wait_for_url("**/runs/new/**")
    form = page.url
    starts = [start(page, form) for _ in range(STARTS + 1)][1:]
    firsts = [first for first, _ages in starts]
    ages = sorted(age for _first, some in starts for age in some)
    print(f"start → first point on the page: median {statistics.median(firsts):.2f} s, longest {max(firsts):.2f} s")
    late = f"p50 {1000 * ages[len(ages) // 2]:.0f} ms, p95 {1000 * ages[int(len(ages) * 0.95)]:.0f} ms"
    print(f"engine wrote a point → it is drawn: {late}, n = {len(ages)} points of {STARTS} runs")


def start(page: Page, form: str) -> tuple[float, list[float]]:
    """One run: seconds to its first point, and the age of every point that came while the page was open."""
    page.goto(form)
    expect(page.get_by_role("heading", name="Ready")).to_be_visible()
    pressed = time.time()
    page.get_by_role("button", name="Start", exact=True).click()
    page.wait_for_url(re.compile(r"/runs/\d+/$"))
    expect(page.locator("#run-header [data-status=finished]").first).to_be_visible()
    seen: Moments = page.evaluate("window.seen")
    told: Moments = page.evaluate("window.told")
    return seen[0][1] - pressed, [drawn(seen, step) - written for step, written in told if step > seen[0][0]]


def drawn(seen: Moments, step: int) -> float:
    """The moment at which the curve had come to a step."""
    return next(at for last, at in seen if last >= step)


def wait_until_up() -> None:
    """Until site and workers are ready."""
    deadline = time.monotonic() + 180
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(f"{SITE}/readyz").close()
            return
        except OSError:
            time.sleep(0.2)
    raise SystemExit("The site did not come up.")


if __name__ == "__main__":
    main()
