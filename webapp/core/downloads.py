"""Files on their way to the browser, chunk by chunk, so that size costs no memory."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from functools import partial

from django.http import StreamingHttpResponse
from django.utils.http import content_disposition_header

from webapp.core.storage import open_file

CHUNK = 2**20


def send_file(name: str, *, filename: str, content_type: str = "application/octet-stream") -> StreamingHttpResponse:
    """Answer with a file of storage, to be saved as `filename`; raises FileNotFoundError if there is none."""
    file = open_file(name)
    response = send_chunks(iter(partial(file.read, CHUNK), b""), filename=filename, content_type=content_type)
    response["Content-Length"] = str(file.size)
    return response


def send_chunks(chunks: Iterator[bytes], *, filename: str, content_type: str) -> StreamingHttpResponse:
    """Answer with what an iterator makes, each step in a thread, to be saved as `filename`."""
    disposition = content_disposition_header(as_attachment=True, filename=filename)
    return StreamingHttpResponse(
        _in_threads(chunks), content_type=content_type, headers={"Content-Disposition": disposition or "attachment"}
    )


async def _in_threads(chunks: Iterator[bytes]) -> AsyncIterator[bytes]:
    while (chunk := await asyncio.to_thread(next, chunks, None)) is not None:
        yield chunk
