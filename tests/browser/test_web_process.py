"""The web process after every page was asked for once: every link leads somewhere, and it is still small."""

import base64
import hmac
import re
import time
from collections import deque
from html import unescape
from pathlib import Path

import httpx
import psutil
import pytest

from tests.browser.conftest import PASSWORD

MOST_MEGABYTES = 120
"""What a web process may hold."""
HEAVY = ("torch", "transformers", "tokenizers", "sklearn", "scipy", "pandas", "polars", "pyarrow", "numpy")
LINK = re.compile(r'<(?:a|img)[^>]*?\s(?:href|src)="(/[^"#]*)')
MOST_PAGES = 300


@pytest.fixture(scope="module")
def person(site: str) -> httpx.Client:
    """The administrator with a finished run on a starter data set, without a browser's scripts."""
    client = httpx.Client(base_url=site, follow_redirects=True, timeout=60)
    post(client, "/account/login/", login="admin", password=PASSWORD)
    listed = client.get("/api/v1/datasets/").json()["results"]
    dataset = next(dataset["id"] for dataset in listed if dataset["name"] == "Penguins")
    wait_for(client, f"/api/v1/datasets/{dataset}/", "ready")
    order = {"project": 1, "dataset": dataset, "preset": "quick"}
    headers = {"X-CSRFToken": client.cookies["csrftoken"]}
    run = client.post("/api/v1/runs/", json=order, headers=headers).json()["id"]
    wait_for(client, f"/api/v1/runs/{run}/", "finished")
    return client


def post(client: httpx.Client, address: str, **fields: str) -> httpx.Response:
    """Send a form, as a browser would."""
    client.get("/account/login/")
    form = {**fields, "csrfmiddlewaretoken": client.cookies["csrftoken"]}
    answer = client.post(address, data=form)
    assert answer.is_success, answer.text
    return answer


def wait_for(client: httpx.Client, address: str, status: str) -> None:
    """Until a worker has done its part."""
    deadline = time.monotonic() + 180
    while (found := client.get(address).json())["status"] != status:
        assert found["status"] != "failed", found["error"]
        assert time.monotonic() < deadline, f"{address} is still {found['status']}"
        time.sleep(0.3)


def crawl(client: httpx.Client) -> dict[str, int]:
    """The status of every page that can be reached by links from Home, query strings included."""
    found: dict[str, int] = {}
    ahead = deque(["/", "/api/docs/", "/api/schema/"])
    while ahead and len(found) < MOST_PAGES:
        address = ahead.popleft()
        if address in found:
            continue
        answer = client.get(address)
        found[address] = answer.status_code
        if "text/html" in answer.headers.get("content-type", ""):
            ahead += [unescape(link) for link in LINK.findall(answer.text) if not link.startswith("/static/")]
    return found


def test_every_link_leads_somewhere_and_the_web_process_stays_small(site, person):
    pages = crawl(person)
    assert {address: status for address, status in pages.items() if status >= 400} == {}
    assert len(pages) > 40
    processes = web_processes(site)
    for process in processes:
        maps = Path(f"/proc/{process.pid}/maps").read_text()
        assert [name for name in HEAVY if f"site-packages/{name}/" in maps] == []
        assert process.memory_info().rss / 1e6 < MOST_MEGABYTES
    assert processes


def web_processes(site: str) -> list[psutil.Process]:
    """The processes that answer at the address."""
    port = str(httpx.URL(site).port)
    running = psutil.process_iter(["cmdline"])
    return [process for process in running if {"granian", port} <= set(process.info["cmdline"] or ())]


def test_a_second_factor_works_in_a_process_without_its_unused_parts(site):
    client = httpx.Client(base_url=site, follow_redirects=True, timeout=60)
    post(client, "/account/login/", login="admin", password=PASSWORD)
    asked = client.get("/account/2fa/totp/activate/")
    page = post(client, str(asked.url), password=PASSWORD)
    secret = re.search(r'value="(\w+)"[^>]*disabled', page.text)[1]
    codes = post(client, "/account/2fa/totp/activate/", code=code_now(secret))
    assert "ecovery codes" in codes.text

    post(client, "/account/2fa/totp/deactivate/")
    assert "not active" in client.get("/account/2fa/").text


def code_now(secret: str) -> str:
    """What an authenticator app shows (RFC 6238)."""
    key, counter = base64.b32decode(secret + "=" * (-len(secret) % 8)), int(time.time()) // 30
    digest = hmac.digest(key, counter.to_bytes(8, "big"), "sha1")
    place = digest[-1] & 15
    return f"{(int.from_bytes(digest[place : place + 4], 'big') & 0x7FFFFFFF) % 10**6:06}"
