"""Checksums of what arrives: "sha256=<hex>" or "crc32=<hex>"."""

from __future__ import annotations

import hashlib
import zlib

from django.utils.translation import gettext as _

from webapp.core.errors import UserError


class Digest:
    """A running checksum and what it should become: "sha256=<hex>" or "crc32=<hex>"."""

    def __init__(self, kind: str, expected: str) -> None:
        self._expected = expected.lower()
        self._sha256 = hashlib.sha256() if kind == "sha256" else None
        self._crc32 = 0

    def update(self, block: bytes) -> None:
        if self._sha256 is not None:
            self._sha256.update(block)
        else:
            self._crc32 = zlib.crc32(block, self._crc32)

    def matches(self) -> bool:
        found = f"{self._crc32:08x}" if self._sha256 is None else self._sha256.hexdigest()
        return found == self._expected


def digest_of(checksum: str) -> Digest:
    kind, _equals, expected = checksum.partition("=")
    if kind not in ("crc32", "sha256") or not expected:
        raise UserError(
            _("A checksum is missing."),
            _("Send “crc32=…” or “sha256=…”; of a chunk in the header “Upload-Checksum”."),
            code="no_checksum",
        )
    return Digest(kind, expected)
