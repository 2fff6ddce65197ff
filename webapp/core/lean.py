"""Keeps a web process small: what libraries import only because it is there, though the site never uses it."""

import os
import sys
from types import ModuleType
from typing import cast

UNUSED = ("requests", "pygments", "jinja2", "greenlet")
"""Imported where it is installed, and done without where it is not."""
POSTGRESQL = ("psycopg", "psycopg2")
EMPTY = (
    "rest_framework.test",
    "allauth.mfa.webauthn.internal.auth",
    "redis.cluster",
    "redis.commands.cluster",
    "redis.asyncio.cluster",
    "redis.keyspace_notifications",
    "redis.asyncio.keyspace_notifications",
    "sqlparse",
)
"""Imported in any case: DRF's test client by drf-spectacular (see `core.openapi`), security keys by allauth's second
factor, which here is an authenticator app or a recovery code, clusters by redis, which here is one server, and a parser
of SQL by Django, which only migrations and mysql ask."""


def leave_out_unused() -> None:
    """Make imports of them find nothing; saves some 36 MB. Call it before Django is loaded."""
    on_postgresql = os.environ.get("DATABASE_URL", "").startswith("postgres")
    for name in UNUSED + (() if on_postgresql else POSTGRESQL):
        sys.modules.setdefault(name, cast(ModuleType, None))
    for name in EMPTY:
        sys.modules.setdefault(name, _Empty(name))


class _Empty(ModuleType):
    """A module whose every name is None."""

    def __getattr__(self, name: str) -> None:
        if name.startswith("__"):
            raise AttributeError(name)
