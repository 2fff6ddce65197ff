"""Loaded before Django reads its settings: every test process gets a data folder of its own."""

import atexit
import os
import shutil
import tempfile
from pathlib import Path

_base = os.environ.setdefault("TOUCHSTONE_TEST_DATA", tempfile.mkdtemp(prefix="touchstone-"))
_worker = os.environ.get("PYTEST_XDIST_WORKER", "main")
os.environ["TOUCHSTONE_DATA"] = str(Path(_base, _worker))
os.environ["TOUCHSTONE_PROBES"] = str(Path(_base, _worker, "probes"))  # like networks compute in one way, as in use
os.environ.setdefault("TOUCHSTONE_MODELS", str(Path(__file__).parent.parent / "var" / "models"))
os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
if "REDIS_URL" in os.environ and _worker.startswith("gw"):  # one shared Redis: a database each
    os.environ["REDIS_URL"] = f"{os.environ['REDIS_URL'].rpartition('/')[0]}/{_worker[2:]}"

if _worker == "main":
    atexit.register(shutil.rmtree, _base, ignore_errors=True)
