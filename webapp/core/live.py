"""Live news: Redis streams per channel, one reader per web process, server-sent events to the browser."""

from typing import Any

from django.http import HttpRequest, StreamingHttpResponse


def publish(channel: str, event: str, data: dict[str, Any]) -> None:
    """Tell everybody who watches the channel. News may be lost when Redis is away; the database is the truth."""
    raise NotImplementedError


def latest(channel: str) -> str:
    """The cursor of this moment: take it before reading the truth, then listen with `?after=` it and miss nothing."""
    raise NotImplementedError


async def event_stream(request: HttpRequest, channel: str) -> StreamingHttpResponse:
    """Answer an async view with the channel's news since `Last-Event-ID` or `?after=`, else from now on.

    Each event has `id`, `event` and JSON `data`. `reset` says that news was missed: read the truth again.
    """
    raise NotImplementedError
