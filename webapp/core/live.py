"""Live news: Redis streams per channel, one reader per web process, server-sent events to the browser."""

from __future__ import annotations

import asyncio
import logging
import re
import secrets
import time
from collections import deque
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from functools import cache
from typing import Any, TypeAlias
from weakref import WeakKeyDictionary

import orjson
from asgiref.sync import sync_to_async
from django.conf import settings
from django.http import HttpRequest, StreamingHttpResponse
from redis import BlockingConnectionPool, Redis, RedisError, ResponseError
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

KEEP = 300
"""Events that a channel remembers: half a minute of a fast run's frames."""
FORGET = 3600
"""Seconds after its last event until a channel is forgotten."""
HEARTBEAT = 15.0
"""Seconds between comments that keep idle connections open through proxies."""
PAUSE = 0.02
"""Seconds between two reads, so that a burst costs one read."""
CONNECTIONS = 4
"""Connections to Redis of one process, however many people watch: one reads, the others seat newcomers."""
BACKLOG = 200
"""Events that wait for one viewer before it is told to read the truth again."""

Id: TypeAlias = tuple[int, int]
Frame: TypeAlias = tuple[Id, bytes]
"""One event as it goes over the wire, with its place in the stream; `NEVER` for what is not in it."""
START: Id = (0, 0)
NEVER: Id = (2**63, 0)
_ID = re.compile(r"\d{1,19}(-\d{1,19})?")


def publish(channel: str, event: str, data: dict[str, Any]) -> None:
    """Tell everybody who watches the channel. News may be lost when Redis is away; the database is the truth."""
    try:
        with _redis(settings.REDIS_URL).pipeline(transaction=False) as pipe:
            fields: dict[Any, Any] = {"event": event, "data": orjson.dumps(data, option=orjson.OPT_SERIALIZE_NUMPY)}
            pipe.xadd(_key(channel), fields, maxlen=KEEP, approximate=True)
            pipe.expire(_key(channel), FORGET)
            pipe.execute()
    except RedisError as error:
        logger.warning("No news on %s: %s", channel, error)


def latest(channel: str) -> str:
    """The cursor of this moment: take it before reading the truth, then listen with `?after=` it and miss nothing."""
    try:
        redis: Any = _redis(settings.REDIS_URL)
        return str(redis.xinfo_stream(_key(channel))["last-generated-id"].decode())
    except ResponseError:
        return "0-0"
    except RedisError:
        return ""


def first(channel: str, seconds: float) -> tuple[str, dict[str, Any]] | None:
    """Wait for the first event that a channel ever gets; None if none comes in time."""
    deadline = time.monotonic() + seconds
    with Redis.from_url(settings.REDIS_URL) as redis:
        while (left := deadline - time.monotonic()) > 0:
            answer: Any = redis.xread({_key(channel): "0-0"}, count=1, block=max(1, min(1000, int(1000 * left))))
            if answer:
                fields = answer[0][1][0][1]
                return fields[b"event"].decode(), orjson.loads(fields[b"data"])
    return None


async def event_stream(
    request: HttpRequest, channel: str, *, since: str = "", greeting: Iterable[tuple[str, dict[str, Any]]] = ()
) -> StreamingHttpResponse:
    """Answer an async view with the channel's news since `Last-Event-ID` or `?after=`, else since the cursor `since`.

    Each event has `id`, `event` and JSON `data`. `reset` says that news was missed: read the truth again. The events of
    `greeting` come first.
    """
    after = request.headers.get("Last-Event-ID") or request.GET.get("after") or since
    hello = b"retry: 1000\n\n" + b"".join(_encode(event, orjson.dumps(data)) for event, data in greeting)
    return StreamingHttpResponse(
        _with_hello(hello, stream(channel, after)),
        content_type="text/event-stream",
        headers={"Cache-Control": "no-cache", "X-Accel-Buffering": "no"},
    )


async def stream(channel: str, after: str = "") -> AsyncIterator[bytes]:
    """The channel's events behind the cursor `after` (from now on if empty), encoded, for ever."""
    async with _hub().join(channel) as viewer:
        seen, missed = await _catch_up(channel, after) if _ID.fullmatch(after) else (START, b"")
        if missed:
            yield missed
        while True:
            if frames := await viewer.take(seen):
                yield frames


async def _with_hello(hello: bytes, frames: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    yield hello
    async for frame in frames:
        yield frame


class Viewer:
    """What waits to be sent to one open page."""

    def __init__(self) -> None:
        self._waiting: deque[Frame] = deque()
        self._news = asyncio.Event()

    def give(self, frame: Frame) -> None:
        """Add a frame; a viewer that is too slow loses what waits and is told so."""
        if len(self._waiting) >= BACKLOG:
            self._waiting.clear()
            frame = (NEVER, _encode("reset", b"{}", frame[0] if frame[0] != NEVER else None))
        self._waiting.append(frame)
        self._news.set()

    async def take(self, seen: Id) -> bytes:
        """Wait for frames; return all that are newer than `seen`."""
        await self._news.wait()
        self._news.clear()
        frames = b"".join(frame for place, frame in self._waiting if place > seen)
        self._waiting.clear()
        return frames


class Hub:
    """The one reader of an event loop: reads every watched stream and hands each event to the channel's viewers."""

    def __init__(self) -> None:
        from redis import asyncio as redis  # only where somebody watches: workers stay smaller without it
        from redis.asyncio.retry import Retry as AsyncRetry

        pool = redis.BlockingConnectionPool.from_url(
            settings.REDIS_URL,
            max_connections=CONNECTIONS,
            timeout=None,
            socket_timeout=None,
            retry=AsyncRetry(NoBackoff(), 0),  # a connection mended in silence would hide what was missed
        )
        self._redis: Any = redis.Redis(connection_pool=pool)
        self._viewers: dict[str, set[Viewer]] = {}
        self._positions: dict[bytes, bytes | str] = {}
        self._bell = f"live:bell:{secrets.token_hex(8)}".encode()
        """A stream of our own: an entry interrupts the blocking read, so that it takes up a new channel."""
        self._reader: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def join(self, channel: str) -> AsyncIterator[Viewer]:
        """Hand out a viewer, whom everything reaches that is published from now on.

        It sits before the stream is looked at: a stream that is read without a viewer would end the reader for all.
        """
        viewer = Viewer()
        self._viewers.setdefault(channel, set()).add(viewer)
        try:
            if _key(channel) not in self._positions:
                self._positions.setdefault(_key(channel), await _last_id(self._redis, channel))
                await self._ring()
            if self._reader is None or self._reader.done():
                self._reader = asyncio.create_task(self._read())
            yield viewer
        finally:
            self._leave(channel, viewer)

    def _leave(self, channel: str, viewer: Viewer) -> None:
        self._viewers[channel].discard(viewer)
        if not self._viewers[channel]:
            del self._viewers[channel]
            self._positions.pop(_key(channel), None)

    async def _ring(self) -> None:
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.xadd(self._bell, {"new": "1"}, maxlen=1)
            pipe.expire(self._bell, 60)
            await pipe.execute()

    async def _read(self) -> None:
        """Read until nobody watches any more; when Redis was away, tell everybody that something may be missing."""
        lost = False
        while self._viewers:
            try:
                async with self._redis.client() as connection:  # one of its own, so that no break goes unnoticed
                    if lost:
                        await connection.ping()
                        self._tell_all((NEVER, _encode("reset", b"{}")))
                    await self._follow(connection)
            except (RedisError, OSError) as error:
                logger.warning("The live reader lost Redis: %s", error)
                lost = True
                await asyncio.sleep(0.5)

    async def _follow(self, connection: Any) -> None:
        bell: bytes | str = "0-0"
        beat = time.monotonic() + HEARTBEAT
        while self._viewers:
            wait = max(1, int(1000 * (beat - time.monotonic())))
            answer = await connection.xread({**self._positions, self._bell: bell}, count=KEEP, block=wait)
            for key, entries in answer or ():
                if key == self._bell:
                    bell = entries[-1][0]
                else:
                    self._hand_out(key, entries)
            if time.monotonic() >= beat:
                beat = time.monotonic() + HEARTBEAT
                self._tell_all((NEVER, b": still here\n\n"))
            await asyncio.sleep(PAUSE)

    def _hand_out(self, key: bytes, entries: list[tuple[bytes, dict[bytes, bytes]]]) -> None:
        if key not in self._positions:  # the last viewer left while we were reading
            return
        self._positions[key] = entries[-1][0]
        viewers = self._viewers[key.decode().removeprefix("live:")]
        for entry in entries:
            frame = _frame(entry)
            for viewer in viewers:
                viewer.give(frame)

    def _tell_all(self, frame: Frame) -> None:
        for viewers in self._viewers.values():
            for viewer in viewers:
                viewer.give(frame)


_hubs: WeakKeyDictionary[asyncio.AbstractEventLoop, Hub] = WeakKeyDictionary()


def _hub() -> Hub:
    loop = asyncio.get_running_loop()
    if loop not in _hubs:
        _hubs[loop] = Hub()
    return _hubs[loop]


@cache
def _redis(url: str) -> Redis:
    pool = BlockingConnectionPool.from_url(
        url, max_connections=CONNECTIONS, timeout=5, socket_timeout=5, socket_connect_timeout=1, retry=_once()
    )
    return Redis(connection_pool=pool)


def _once() -> Retry:
    """Try again at once and only once: a Redis that is away must not hold up a training."""
    return Retry(NoBackoff(), 1)


def _key(channel: str) -> bytes:
    return f"live:{channel}".encode()


async def _last_id(redis: Any, channel: str) -> bytes:
    newest = await redis.xrevrange(_key(channel), count=1)
    return newest[0][0] if newest else b"0-0"


async def _catch_up(channel: str, after: str) -> tuple[Id, bytes]:
    """Where the viewer now stands, and what was published since `after`; a `reset` if that is no longer known."""
    return await sync_to_async(_read_missed, thread_sensitive=False)(_key(channel), after)


def _read_missed(key: bytes, after: str) -> tuple[Id, bytes]:
    redis: Any = _redis(settings.REDIS_URL)
    entries: list[tuple[bytes, dict[bytes, bytes]]] = redis.xrange(key, min=after)
    found = bool(entries) and _place(entries[0][0]) == _place(after.encode())
    if found or _complete(redis, key, after):
        frames = [_frame(entry) for entry in entries[1 if found else 0 :]]
        return (frames[-1][0] if frames else _place(after.encode())), b"".join(frame for _, frame in frames)
    newest_id = entries[-1][0] if entries else b"0-0"
    return _place(newest_id), _encode("reset", b"{}", _place(newest_id))


def _complete(redis: Any, key: bytes, after: str) -> bool:
    """Whether nothing behind the cursor 0 was cut off: a stream is never cut to less than `KEEP` events."""
    return _place(after.encode()) == START and int(redis.xlen(key)) < KEEP


def _place(entry_id: bytes) -> Id:
    milliseconds, _, number = entry_id.partition(b"-")
    return int(milliseconds), int(number or 0)


def _frame(entry: tuple[bytes, dict[bytes, bytes]]) -> Frame:
    entry_id, fields = entry
    place = _place(entry_id)
    return place, _encode(fields[b"event"].decode(), fields[b"data"], place)


def _encode(event: str, data: bytes, place: Id | None = None) -> bytes:
    line = b"id: %d-%d\n" % place if place else b""
    return line + b"event: " + event.encode() + b"\ndata: " + data + b"\n\n"
