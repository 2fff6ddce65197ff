"""What every test of the site may use: a real Redis and real data files."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent


def pytest_make_parametrize_id(val: object, argname: str) -> str | None:
    """Bytes never name a test: packed ones hold the time, and two processes would name one test differently."""
    return argname if isinstance(val, bytes) else None


@pytest.fixture(scope="session")
def redis_server() -> Iterator[str]:
    """The address of a real Redis: the one that REDIS_URL names, or a private one of this test process."""
    from django.conf import settings

    from webapp.core import redis_server

    if "REDIS_URL" in os.environ:
        yield settings.REDIS_URL
        return
    settings.DATA_DIR.mkdir(parents=True, exist_ok=True)
    socket = Path(settings.REDIS_URL.removeprefix("unix://"))
    process = subprocess.Popen(redis_server.command(settings.DATA_DIR, socket))
    deadline = time.monotonic() + 20
    while not socket.exists() and time.monotonic() < deadline:
        time.sleep(0.02)
    yield settings.REDIS_URL
    process.terminate()
    process.wait()


@pytest.fixture
def redis(redis_server: str) -> Iterator[object]:
    """An emptied Redis, as a client."""
    from redis import Redis

    client = Redis.from_url(redis_server)
    client.flushdb()
    yield client
    client.close()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files as people upload them: TOUCHSTONE_SHARED_DATA, or `shared/data` beside the checkout."""
    folder = Path(os.environ.get("TOUCHSTONE_SHARED_DATA", ROOT.parent / "shared" / "data"))
    if not folder.exists():
        pytest.fail(f"The data sets for tests are not in {folder}. Set TOUCHSTONE_SHARED_DATA to their folder.")
    return folder
