"""What the embedded database needs of a process."""

import sqlite3

from django.conf import settings


def keep_open() -> "sqlite3.Connection | None":
    """Hold the SQLite file open for as long as the result lives; None for other databases.

    Django closes its connection after every request, and SQLite folds its log back into the file, with a flush to disk,
    whenever the last connection closes.
    """
    database = settings.DATABASES["default"]
    if not database["ENGINE"].endswith("sqlite3"):
        return None
    connection = sqlite3.connect(database["NAME"], check_same_thread=False, isolation_level=None)
    connection.execute("SELECT 1 FROM sqlite_master").fetchone()
    return connection
