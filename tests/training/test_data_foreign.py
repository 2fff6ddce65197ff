"""Well-known formats that are not read are named, by what is in them, with the way out."""

import struct
import zipfile
from pathlib import Path

import pytest

from tests.training.test_data_tables import imported, refusal
from training.data.refusals import is_pickle

STEPS = [
    "size", "cols", "count", "id", "data", "items", "list", "total", "index", "name", "job", "gain", "S1", "(x", "}a",
]  # fmt: skip
"""Words whose first letters are steps of a pickle of protocol 0."""


def compound(stream: str) -> bytes:
    """The least of an old Office file: a head that says where its directory is, and a name in it."""
    head = bytearray(512)
    head[:8] = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    struct.pack_into("<H", head, 30, 9)
    struct.pack_into("<I", head, 48, 1)
    names = ("Root Entry", stream)
    directory = b"".join((name + "\0").encode("utf-16-le").ljust(128, b"\0") for name in names)
    return bytes(head) + bytes(512) + directory


def packed(path: Path, member: str, content: bytes) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(member, content)
        archive.writestr("content.xml", b"<x/>")
    return path


@pytest.mark.parametrize(
    ("member", "content", "title", "hint"),
    [
        ("word/document.xml", b"<w/>", "Word document", ".txt"),
        ("ppt/presentation.xml", b"<p/>", "PowerPoint", ".txt"),
        ("xl/workbook.bin", b"x", "binary Excel", ".xlsx"),
        ("mimetype", b"application/vnd.oasis.opendocument.spreadsheet", "OpenDocument spreadsheet", ".xlsx or CSV"),
        ("mimetype", b"application/vnd.oasis.opendocument.text", "OpenDocument text", ".txt"),
        ("mimetype", b"application/epub+zip", "book", ".txt"),
        ("Index/Document.iwa", b"x", "Numbers", "Export"),
    ],
)
def test_packed_documents_are_told_by_what_they_hold(tmp_path, member, content, title, hint):
    said = refusal(packed(tmp_path / "data.zip", member, content))
    assert title in said.message
    assert hint in said.hint


@pytest.mark.parametrize(
    ("stream", "title"),
    [
        ("Workbook", "old Excel workbook"),
        ("WordDocument", "old Word document"),
        ("EncryptedPackage", "locked"),
        ("Contents", "old Office file"),
    ],
)
def test_old_office_files_are_told_apart_by_their_streams(tmp_path, stream, title):
    (tmp_path / "data.csv").write_bytes(compound(stream))
    assert title in refusal(tmp_path / "data.csv").message


@pytest.mark.parametrize(
    ("start", "title"),
    [
        (b"%PDF-1.7\n", "a PDF"),
        (b"{\\rtf1\\ansi", "rich text"),
        (b"MATLAB 5.0 MAT-file, Platform", "MATLAB"),
        (b"$FL2@(#) SPSS DATA FILE", "SPSS"),
        (b"<stata_dta><header>", "Stata"),
        (b"Obj\x01\x04\x16avro.schema\x00", "Avro"),
        (b"\x00\x00\x00\x20ftypisom\x00\x00", "a film"),
    ],
)
def test_other_formats_are_told_by_their_first_bytes(tmp_path, start, title):
    (tmp_path / "data.csv").write_bytes(start + bytes(range(1, 255)) * 4)
    assert title in refusal(tmp_path / "data.csv").message


@pytest.mark.parametrize("word", ["ORC", "GGUF", "MZ", "BZh", "size"])
def test_a_text_that_begins_like_another_format_is_a_text(tmp_path, word):
    lines = [f"{word},kind", *(f"{n},{'ab'[n % 2]}" for n in range(30))]
    (tmp_path / "data.csv").write_text("\n".join(lines))
    _, description = imported(tmp_path / "data.csv")
    assert [column.name for column in description.columns] == [word, "kind"]


@pytest.mark.parametrize("word", STEPS)
@pytest.mark.parametrize("other", ["price", "(a", "0", "N.", "obj"])
def test_a_table_is_never_taken_for_a_pickle_because_of_its_header(word, other):
    lines = [f"{word},{other}", *(f"{n},{n * 2}.5" for n in range(200))]
    for end in ("\n", "\r\n"):
        assert not is_pickle(end.join(lines).encode())
        assert not is_pickle(end.join(line.replace(",", "\t") for line in lines).encode())
