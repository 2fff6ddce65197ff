"""Keeps a web process small: what libraries import only because it is installed, though the site never uses it."""

import os
import sys
from types import ModuleType
from typing import cast

UNUSED = ("requests", "pygments", "jinja2", "greenlet")
POSTGRESQL = ("psycopg", "psycopg2")


def leave_out_unused() -> None:
    """Make imports of them fail, as if they were not installed; saves some 18 MB. Call it before Django is loaded."""
    on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
    for name in UNUSED + (() if on_postgresql else POSTGRESQL):
        sys.modules.setdefault(name, cast(ModuleType, None))
