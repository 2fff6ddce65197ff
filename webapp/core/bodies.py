"""Large request bodies that a view reads while they arrive, instead of finding them on disk when they are complete."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from functools import partial

from django.core.handlers.asgi import ASGIRequest
from django.http import HttpRequest

from webapp.core.limits import Application, Message, Receive, Scope, Send

KEY = "touchstone.body"
PATIENCE = 30.0
"""Seconds without a byte after which a sender counts as gone."""
BLOCK = 2**20
BATCH = 2**22
"""Bytes that cross from the event loop to the view at once."""


class SenderGone(ConnectionError):
    """The sender went away before the body was complete."""


class ArrivingBody:
    """A body on its way in; a view in its own thread reads it block by block."""

    def __init__(self, receive: Receive, loop: asyncio.AbstractEventLoop) -> None:
        self._receive = receive
        self._loop = loop
        self._complete = False

    def __iter__(self) -> Iterator[bytes]:
        """The blocks as they arrive; raises SenderGone if the last one never does."""
        while not self._complete:
            for message in self._next():
                if message["type"] == "http.disconnect":
                    raise SenderGone
                self._complete = not message.get("more_body", False)
                yield message.get("body", b"")

    def _next(self) -> list[Message]:
        waiting = asyncio.run_coroutine_threadsafe(self._gather(), self._loop)
        try:
            return waiting.result(PATIENCE)
        except TimeoutError as error:
            waiting.cancel()
            raise SenderGone from error

    async def _gather(self) -> list[Message]:
        """What arrives within a second, at most some megabytes: crossing to another thread costs as much as 100 kB."""
        messages, size, end = list[Message](), 0, self._loop.time() + 1
        while size < BATCH and self._loop.time() < end:
            messages.append(await self._receive())
            size += len(messages[-1].get("body", b""))
            if not messages[-1].get("more_body", False):
                break
        return messages


def stream_bodies(application: Application, paths: re.Pattern[str]) -> Application:
    """Wrap an ASGI application so that `blocks_of` reads the bodies sent by PUT to these paths as they arrive."""

    async def streaming(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "PUT" or not paths.fullmatch(scope["path"]):
            return await application(scope, receive, send)
        body = ArrivingBody(receive, asyncio.get_running_loop())
        return await application({**scope, KEY: body}, _Nothing().receive, send)

    return streaming


def blocks_of(request: HttpRequest) -> Iterator[bytes]:
    """The request's raw body in blocks."""
    if isinstance(request, ASGIRequest) and KEY in request.scope:
        return iter(request.scope[KEY])
    return iter(partial(request.read, BLOCK), b"")


class _Nothing:
    """What Django receives in place of the body: nothing, and then no news for as long as the request lasts."""

    def __init__(self) -> None:
        self._asked = False

    async def receive(self) -> Message:
        if self._asked:
            await asyncio.Event().wait()
        self._asked = True
        return {"type": "http.request", "body": b"", "more_body": False}
