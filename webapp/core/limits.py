"""Requests that are too large are refused before their bodies are read."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, TypeAlias

import orjson
from django.conf import settings
from django.utils.translation import gettext as _

from webapp.core.errors import error_body

Scope: TypeAlias = dict[str, Any]
Message: TypeAlias = Mapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
Application: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

WRAPPING = 2**20
"""What headers and fields may add to a file in a multipart body."""
ORDINARY = 64 * 2**20
"""Bytes that a request may have where no data set and no model is uploaded: pictures to try a model on."""
WHOLE_FILES = ("/api/v1/datasets/", "/api/v1/models/", "/models/")


def limit_bodies(application: Application) -> Application:
    """Wrap an ASGI application so that Django never writes a body to disk that it would refuse afterwards."""

    async def guarded(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await application(scope, receive, send)
        most = settings.UPLOAD_LIMIT + WRAPPING if scope["path"] in WHOLE_FILES else ORDINARY
        if _announced(scope) > most:
            return await _refuse(send)
        return await application(scope, _counting(receive, most), send)

    return guarded


def _announced(scope: Scope) -> int:
    lengths = [value for name, value in scope["headers"] if name.lower() == b"content-length"]
    return int(lengths[0]) if lengths and lengths[0].isdigit() else 0


def _counting(receive: Receive, most: int) -> Receive:
    """Hang up on a body that grows beyond the limit without having said so."""
    received = 0

    async def counted() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        return {"type": "http.disconnect"} if received > most else message

    return counted


async def _refuse(send: Send) -> None:
    limit = f"{settings.UPLOAD_LIMIT / 1e9:.3g} GB"
    body = orjson.dumps(
        error_body(
            "too_large",
            _("The request is too large; at most %(limit)s can be uploaded.") % {"limit": limit},
            _("Upload a part of it, or ask your administrator to raise TOUCHSTONE_UPLOAD_LIMIT."),
        )
    )
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": 413, "headers": headers})
    await send({"type": "http.response.body", "body": body})
