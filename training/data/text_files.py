"""Text of any encoding as a UTF-8 file without byte-order mark, so that readers meet only that."""

import codecs
import gzip
import re
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

from training.errors import TrainingError

CHUNK = 1 << 22
MAX_UNPACKED = 50 << 30
MAX_RATIO = 500
"""A gzip file that grows more than this is made to fill the disk; real text grows 3 to 30 times."""
_SAMPLE = 1 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_TITLES = {
    "utf-8": "UTF-8",
    "utf-32-le": "UTF-32",
    "utf-32-be": "UTF-32",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "gb18030": "GB18030",
    "cp1252": "Latin-1",
    "latin-1": "Latin-1",
}
_SAVE_AS_UTF8 = "Save the file as text (CSV UTF-8) and upload it again."


@dataclass(frozen=True)
class TextFile:
    """A UTF-8 file; `encoding` says in words what it was before."""

    path: Path
    encoding: str


def open_text(path: Path, work: Path, *, name: str) -> TextFile:
    """Unpack and re-encode into `work` where needed; raises TrainingError that calls the file by `name`."""
    with path.open("rb") as file:
        packed = is_gzip(file.read(2))
    path = unpack_gzip(path, work, name=name) if packed else path
    encoding, start, clean = detect_encoding(path, name)
    if start == 0 and clean:
        return TextFile(path, "UTF-8")
    target = work / f"{path.name}.utf8"
    recode(path, target, encoding=encoding, start=start)
    return TextFile(target, _TITLES[encoding])


def is_gzip(head: bytes) -> bool:
    """Whether the file is packed with gzip."""
    return head.startswith(b"\x1f\x8b")


def unpack_gzip(path: Path, work: Path, *, name: str) -> Path:
    """Unpack into `work`; raises TrainingError where the file is cut off or made to fill the disk."""
    target = work / f"{path.name}.unpacked"
    limit = min(MAX_UNPACKED, max(path.stat().st_size, 1 << 16) * MAX_RATIO)
    written = 0
    try:
        with gzip.open(path, "rb") as packed, target.open("wb") as unpacked:
            while chunk := packed.read(CHUNK):
                written += len(chunk)
                if written > limit:
                    raise TrainingError(
                        f"{name} unpacks to more than {limit >> 20} MB, which no real text does.",
                        "Upload the unpacked file.",
                        code="bomb",
                    )
                unpacked.write(chunk)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise TrainingError(
            f"{name} is cut off or damaged after {written} unpacked bytes.", "Pack it anew and upload it again."
        ) from error
    return target


def peek_text(head: bytes) -> str:
    """Characters of a file's first bytes, unpacked and in the encoding that fits them."""
    return decode(unpack_head(head), whole=False)


def unpack_head(head: bytes) -> bytes:
    """The first bytes without gzip; none where they are damaged."""
    if not is_gzip(head):
        return head
    try:
        return zlib.decompressobj(31).decompress(head, len(head) * 4)
    except zlib.error:
        return b""


def decode(data: bytes, *, whole: bool = True) -> str:
    """Text of the bytes, in the encoding that fits them; cut bytes at the end are left out unless `whole`."""
    encoding, start = _marked(data)
    if not encoding:
        text, bad = _utf8(data, whole=whole)
        if bad is None:
            return text
        encoding = guess_encoding(data)
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    return decoder.decode(data[start:], final=whole)


def _utf8(data: bytes, *, whole: bool) -> tuple[str, int | None]:
    decoder = codecs.getincrementaldecoder("utf-8")()
    try:
        return decoder.decode(data, final=whole), None
    except UnicodeDecodeError as error:
        return "", error.start


def detect_encoding(path: Path, name: str) -> tuple[str, int, bool]:
    """The codec, the bytes to skip, and whether all is clean UTF-8; raises TrainingError at a NUL byte."""
    with path.open("rb") as file:
        head = file.read(_SAMPLE)
    encoding, start = _marked(head)
    if encoding.startswith(("utf-16", "utf-32")):
        return encoding, start, False
    offset = 0
    decoder = codecs.getincrementaldecoder("utf-8")()
    for chunk in chain(chunks(path), [b""]):
        if b"\0" in chunk:
            _refuse_nul(path, offset + chunk.index(b"\0"), name)
        try:
            decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError:
            sample = chunk if offset == 0 else head + chunk
            return guess_encoding(sample), start, False
        offset += len(chunk)
    return "utf-8", start, True


def _marked(head: bytes) -> tuple[str, int]:
    for bom, encoding in _BOMS:
        if head.startswith(bom):
            return encoding, len(bom)
    pairs = len(head) // 2
    zeros = {"utf-16-le": head[1 : 2 * pairs : 2].count(0), "utf-16-be": head[: 2 * pairs : 2].count(0)}
    likely, other = sorted(zeros, key=lambda encoding: -zeros[encoding])
    if zeros[likely] > 2 + 0.05 * pairs and zeros[other] < 0.05 * zeros[likely]:
        text = codecs.getincrementaldecoder(likely)("replace").decode(head)
        return ("", 0) if looks_binary(text) else (likely, 0)
    return "", 0


def guess_encoding(data: bytes) -> str:
    """The codec of text that is not clean UTF-8: damaged UTF-8, GB18030 or a Western one."""
    good = data.decode("utf-8", "replace")
    damaged = good.count("�")
    if sum(len(run) for run in re.findall(r"[^\x00-\x7f�]+", good)) > 10 * damaged:
        return "utf-8"
    runs = re.findall(rb"[\x80-\xff]+", data)
    paired = sum(len(run) for run in runs if len(run) > 1)
    if paired >= 0.8 * sum(map(len, runs)):
        try:
            codecs.getincrementaldecoder("gb18030")().decode(data)
            return "gb18030"
        except UnicodeDecodeError:
            pass
    return "latin-1" if re.search(rb"[\x81\x8d\x8f\x90\x9d]", data) else "cp1252"


def recode(path: Path, target: Path, *, encoding: str, start: int) -> None:
    """Write the text as UTF-8 without byte-order mark; bytes that are no text become �."""
    decoder = codecs.getincrementaldecoder(encoding)("replace")
    with target.open("wb") as out:
        for chunk in chunks(path, start=start):
            out.write(decoder.decode(chunk).encode("utf-8", "replace"))
        out.write(decoder.decode(b"", final=True).encode("utf-8", "replace"))


def chunks(path: Path, *, start: int = 0, size: int = CHUNK) -> Iterator[bytes]:
    """The file's bytes in pieces."""
    with path.open("rb") as file:
        file.seek(start)
        while chunk := file.read(size):
            yield chunk


def looks_binary(text: str) -> bool:
    """Whether these are no characters that anybody types."""
    control = len(re.findall(r"[\x00-\x08\x0b\x0e-\x1a\x1c-\x1f\x7f]", text))
    return control > 0.02 * len(text) + 2


def _refuse_nul(path: Path, offset: int, name: str) -> None:
    lines = 1
    for chunk in chunks(path):
        lines += chunk[:offset].count(b"\n")
        offset -= len(chunk)
        if offset <= 0:
            break
    raise TrainingError(
        f"{name} has a zero byte in line {lines}, so it is damaged or not a text file.", _SAVE_AS_UTF8, code="nul_byte"
    )
