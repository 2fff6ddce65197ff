"""Pictures and sounds that somebody uploaded, sent without trusting what they say of themselves."""

import re

from django.http import HttpRequest, HttpResponse

_SIGNATURES = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
_RANGE = re.compile(r"bytes=(\d{0,15})-(\d{0,15})")
_HEADERS = {
    "Cache-Control": "private, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Accept-Ranges": "bytes",
}


def media_type(data: bytes) -> str:
    """The content type by the first bytes; what no browser shows safely (SVG among them) is only a download."""
    if data[:4] == b"RIFF":
        return _RIFF.get(data[8:12], "application/octet-stream")
    if data[4:8] == b"ftyp":
        return "audio/mp4"
    return next((kind for signature, kind in _SIGNATURES if data.startswith(signature)), "application/octet-stream")


def send_media(request: HttpRequest, data: bytes) -> HttpResponse:
    """Answer with the bytes, or with the range of them that a player asks for; they never change."""
    kind = media_type(data)
    asked = _asked_range(request.headers.get("Range", ""), len(data))
    if asked is None:
        return HttpResponse(data, content_type=kind, headers=_HEADERS)
    start, end = asked
    if start >= end:
        return HttpResponse(status=416, headers={"Content-Range": f"bytes */{len(data)}"})
    headers = _HEADERS | {"Content-Range": f"bytes {start}-{end - 1}/{len(data)}"}
    return HttpResponse(data[start:end], status=206, content_type=kind, headers=headers)


def _asked_range(header: str, size: int) -> tuple[int, int] | None:
    """First byte and the one behind the last; None where all of it is asked for."""
    found = _RANGE.fullmatch(header)
    if found is None or found.group(0) == "bytes=-":
        return None
    first, last = found.groups()
    if not first:
        return max(0, size - int(last)), size
    return int(first), min(int(last) + 1, size) if last else size
