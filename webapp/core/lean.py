"""Keeps a web process small: what libraries import only because it is there, though the site never uses it."""

import os
import sys
from types import ModuleType
from typing import cast

UNUSED = ("requests", "pygments", "jinja2", "greenlet")
POSTGRESQL = ("psycopg", "psycopg2")


def leave_out_unused() -> None:
    """Make imports of them fail, as if they were not installed; saves some 25 MB. Call it before Django is loaded."""
    on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
    for name in UNUSED + (() if on_postgresql else POSTGRESQL):
        sys.modules.setdefault(name, cast(ModuleType, None))
    sys.modules.setdefault("rest_framework.test", _without_test_client())


def _without_test_client() -> ModuleType:
    """drf-spectacular imports DRF's test client for a request that `core.openapi` makes without it."""
    module = ModuleType("rest_framework.test")
    module.APIRequestFactory = None  # type: ignore[attr-defined]
    return module
