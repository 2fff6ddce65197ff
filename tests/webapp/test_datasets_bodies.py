"""Request bodies as the server hands them over: refused before they are read, or read while they arrive."""

import asyncio
import zlib

import pytest
from datasets_kit import start
from django.conf import settings as configured

from webapp.asgi import application
from webapp.core import bodies, limits
from webapp.core.bodies import SenderGone
from webapp.datasets.models import Upload
from webapp.datasets.uploading.arrived import folder_of

TOKEN = "a" * 32


class Call:
    """One request to an ASGI application, whose body is a list of messages."""

    def __init__(self, path, messages, *, method="PUT", headers=()):
        self.scope = {
            "type": "http", "http_version": "1.1", "method": method, "path": path, "query_string": b"",
            "headers": [(b"host", b"localhost"), *headers], "server": ("localhost", 80),
        }  # fmt: skip
        self.messages, self.asked, self.sent = list(messages), 0, []

    async def receive(self):
        self.asked += 1
        if not self.messages:
            await asyncio.Event().wait()
        return self.messages.pop(0)

    async def send(self, message):
        self.sent.append(message)

    def to(self, app):
        asyncio.run(asyncio.wait_for(app(self.scope, self.receive, self.send), 20))
        return self

    @property
    def status(self):
        return self.sent[0]["status"]


def block(data, *, more=True):
    return {"type": "http.request", "body": data, "more_body": more}


def chunk_call(browser, place, messages, data):
    headers = [
        (b"cookie", f"sessionid={browser.cookies['sessionid'].value}; csrftoken={TOKEN}".encode()),
        (b"x-csrftoken", TOKEN.encode()),
        (b"accept", b"application/json"),
        (b"upload-offset", b"0"),
        (b"upload-checksum", f"crc32={zlib.crc32(data):08x}".encode()),
    ]
    return Call(place["url"], messages, headers=headers)


@pytest.mark.parametrize(
    ("path", "length"),
    [("/datasets/", limits.ORDINARY + 1), ("/api/v1/datasets/", configured.UPLOAD_LIMIT + limits.WRAPPING + 1)],
)
def test_a_body_that_is_too_large_is_refused_before_a_byte_is_read(path, length):
    call = Call(path, [], method="POST", headers=[(b"content-length", str(length).encode())]).to(application)
    assert call.status == 413
    assert b"TOUCHSTONE_UPLOAD_LIMIT" in call.sent[1]["body"]
    assert call.asked == 0


def test_a_body_that_grows_beyond_the_limit_in_silence_is_cut_off(monkeypatch):
    monkeypatch.setattr(limits, "ORDINARY", 100)
    read = []

    async def reader(scope, receive, send):
        while (message := await receive())["type"] != "http.disconnect":
            read.append(message["body"])

    Call("/", [block(b"x" * 40)] * 5, method="POST").to(limits.limit_bodies(reader))
    assert read == [b"x" * 40] * 2


@pytest.mark.django_db(transaction=True)
def test_a_chunk_is_written_while_it_arrives(browser, redis):
    data = b"0123456789" * 1000
    place = start(browser, data).json()
    pieces = [block(data[at : at + 1000], more=at < 9000) for at in range(0, 10_000, 1000)]
    assert chunk_call(browser, place, pieces, data).to(application).status == 200
    half = Upload.objects.get()
    assert half.received == 10_000
    assert (folder_of(half) / half.filename).read_bytes() == data


@pytest.mark.django_db(transaction=True)
def test_a_chunk_whose_sender_goes_away_does_not_count(browser, redis):
    data = b"0123456789" * 1000
    place = start(browser, data).json()
    chunk_call(browser, place, [block(data[:4000]), {"type": "http.disconnect"}], data).to(application)
    assert start(browser, data).json()["received"] == 0


@pytest.mark.django_db(transaction=True)
def test_a_refused_chunk_is_taken_in_to_its_end(browser, redis):
    data = b"0123456789" * 1000
    place = start(browser, data).json()
    call = chunk_call(browser, place, [block(data[:4000]), block(data[4000:], more=False)], b"other").to(application)
    assert call.status == 422
    assert not call.messages


def test_a_sender_that_falls_silent_counts_as_gone(monkeypatch):
    monkeypatch.setattr(bodies, "PATIENCE", 0.05)
    call = Call("/", [block(b"x")])

    async def read():
        body = bodies.ArrivingBody(call.receive, asyncio.get_running_loop())
        await asyncio.to_thread(list, body)

    with pytest.raises(SenderGone):
        asyncio.run(read())
