"""Live news: who listens hears everything once, or is told that something was missed."""

import asyncio
import subprocess
import time
from contextlib import aclosing

import orjson
import pytest
from redis import Redis, RedisError

from webapp.core import live, redis_server


async def hear(count, channel, after="", then=None):
    """Listen until `count` events came; `then` is called in a thread once the listener sits."""
    heard = []
    async with aclosing(live.stream(channel, after)) as frames:
        if then:
            talk = asyncio.create_task(seated_then(then))
        while len(heard) < count:
            heard += parse(await anext(frames))
    if then:
        await talk
    return heard


async def seated(count=1):
    """Wait until so many listeners sit, and their channels are read."""
    hub = live._hub()
    while (
        sum(len(viewers) for viewers in hub._viewers.values()) < count
        or len(hub._positions) < len(hub._viewers)
        or not hub._reader
    ):
        await asyncio.sleep(0.01)


async def seated_then(talk):
    await seated()
    await asyncio.to_thread(talk)


def parse(part):
    """The events of some bytes of a stream: (id, name, data)."""
    events = []
    for block in part.decode().strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if "event" in lines:
            events.append((lines.get("id"), lines["event"], orjson.loads(lines["data"])))
    return events


def say(*numbers, channel="run-1"):
    for number in numbers:
        live.publish(channel, "progress", {"n": number})


def numbers(events):
    return [data["n"] for _id, name, data in events if name == "progress"]


def test_whoever_listens_hears_what_is_said_from_then_on(redis):
    say(1)
    assert numbers(asyncio.run(hear(2, "run-1", then=lambda: say(2, 3)))) == [2, 3]


def test_a_cursor_taken_before_reading_the_truth_misses_nothing(redis):
    say(1)
    cursor = live.latest("run-1")
    say(2)
    assert numbers(asyncio.run(hear(3, "run-1", cursor, then=lambda: say(3, 4)))) == [2, 3, 4]


def test_a_cursor_taken_before_the_first_word_misses_nothing(redis):
    cursor = live.latest("run-1")
    say(1, 2)
    assert numbers(asyncio.run(hear(2, "run-1", cursor))) == [1, 2]


def test_going_on_from_the_last_id_repeats_nothing(redis):
    say(1, 2, 3)
    first = asyncio.run(hear(3, "run-1", "0-0"))
    assert numbers(asyncio.run(hear(1, "run-1", first[1][0]))) == [3]


def test_who_was_away_too_long_is_told_to_read_the_truth_again(redis):
    say(1)
    cursor = live.latest("run-1")
    say(*range(3 * live.KEEP))
    redis.xtrim("live:run-1", maxlen=10, approximate=False)
    (place, name, _data), *_rest = asyncio.run(hear(1, "run-1", cursor))
    assert name == "reset"
    assert place == live.latest("run-1")


def test_channels_do_not_mix(redis):
    def talk():
        say(1, channel="run-2")
        say(2, channel="run-1")

    assert numbers(asyncio.run(hear(1, "run-1", then=talk))) == [2]


def test_many_viewers_share_one_reader(redis):
    async def listen():
        before = connections(redis)
        tasks = [asyncio.create_task(hear(2, f"run-{at % 3}")) for at in range(30)]
        await seated(30)
        opened = connections(redis) - before
        for at in range(3):
            await asyncio.to_thread(say, 1, 2, channel=f"run-{at}")
        return opened, await asyncio.gather(*tasks)

    opened, heard = asyncio.run(listen())
    assert [numbers(each) for each in heard] == [[1, 2]] * 30
    assert opened <= 2 * live.CONNECTIONS  # not one for each of the thirty


def test_news_that_come_while_somebody_sits_down_disturb_nobody(redis, monkeypatch):
    async def scene():
        ring = live.Hub._ring

        async def slowly(hub):
            await ring(hub)
            await asyncio.to_thread(say, 1, channel="run-2")
            await asyncio.sleep(0.2)  # the reader meets the news before the newcomer is through the door

        first = asyncio.create_task(hear(1, "run-1"))
        await seated()
        monkeypatch.setattr(live.Hub, "_ring", slowly)
        second = asyncio.create_task(hear(1, "run-2"))
        await seated(2)
        await asyncio.to_thread(say, 2, channel="run-1")
        return await asyncio.wait_for(first, 5), await asyncio.wait_for(second, 5)

    first, second = asyncio.run(scene())
    assert (numbers(first), numbers(second)) == ([2], [1])


def connections(redis):
    return len(redis.client_list())


def test_a_viewer_that_is_too_slow_is_told_instead_of_filling_the_memory(redis):
    async def dawdle():
        async with aclosing(live.stream("run-1")) as frames:
            first = asyncio.create_task(anext(frames))
            await seated()
            await asyncio.to_thread(say, 0)
            await first
            for start in range(0, 1000, 100):
                await asyncio.to_thread(say, *range(start, start + 100))
                await asyncio.sleep(0.1)
            return parse(await anext(frames))

    events = asyncio.run(dawdle())
    assert events[0][1] == "reset"
    assert len(events) <= live.BACKLOG


def test_a_silent_stream_stays_open(redis, monkeypatch):
    monkeypatch.setattr(live, "HEARTBEAT", 0.2)

    async def wait():
        async with aclosing(live.stream("run-1")) as frames:
            return await asyncio.wait_for(anext(frames), 5)

    assert asyncio.run(wait()).startswith(b":")


@pytest.fixture
def own_redis(tmp_path, settings):
    """A Redis that this test may end and start again."""
    settings.REDIS_URL = f"unix://{tmp_path}/redis.sock"
    server = Server(tmp_path)
    server.start()
    yield server
    server.stop()


class Server:
    def __init__(self, folder):
        self.folder, self.socket = folder, folder / "redis.sock"

    def start(self):
        self.process = subprocess.Popen(redis_server.command(self.folder, self.socket))
        deadline = time.monotonic() + 20
        while not self.answers():
            assert time.monotonic() < deadline
            time.sleep(0.02)

    def answers(self):
        try:
            return Redis.from_url(f"unix://{self.socket}").ping()
        except RedisError:
            return False

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.socket.unlink(missing_ok=True)


def test_listeners_survive_a_redis_that_is_started_again(own_redis):
    async def listen():
        async with aclosing(live.stream("run-1")) as frames:
            first = asyncio.create_task(anext(frames))
            await seated()
            await asyncio.to_thread(say, 1)
            heard = parse(await first)
            await asyncio.to_thread(own_redis.stop)
            await asyncio.to_thread(own_redis.start)
            while heard[-1][1] != "reset":
                heard += parse(await anext(frames))
            await asyncio.to_thread(say, 2)
            while heard[-1][1] != "progress":
                heard += parse(await anext(frames))
            return heard

    heard = asyncio.run(asyncio.wait_for(listen(), 60))
    assert numbers(heard) == [1, 2]


def test_without_redis_publishing_costs_no_time_and_breaks_nothing(settings):
    settings.REDIS_URL = "unix:///nowhere/redis.sock"
    start = time.monotonic()
    say(1)
    assert time.monotonic() - start < 0.5
    assert live.latest("run-1") == ""
