"""Well-known formats that are not read: each told by its content, with its name and how to save it otherwise."""

import struct
import zipfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from training.data.archives import DAMAGES
from training.data.source import Source
from training.data.text_files import looks_binary


@dataclass(frozen=True)
class Foreign:
    """A format by its name, and what to do with such a file."""

    title: str
    hint: str


_SHEET = "Save it as .xlsx or CSV."
_WORDS = "Save it as plain text (.txt), or its table as CSV."
_TABLE = "Save the data as CSV or Parquet."
_REPACK = "Unpack it and upload the file itself."
_AS_ZIP = "Pack the files as ZIP."

_STARTS: tuple[tuple[bytes, Foreign], ...] = (
    (b"%PDF", Foreign("a PDF", "Copy its text into a text file, or its table into a spreadsheet, and upload that.")),
    (b"{\\rtf", Foreign("a rich text document (RTF)", _WORDS)),
    (b"7z\xbc\xaf\x27\x1c", Foreign("a 7z archive", _AS_ZIP)),
    (b"Rar!", Foreign("a RAR archive", _AS_ZIP)),
    (b"SQLite format 3", Foreign("a database (SQLite)", "Export the table as CSV and upload that.")),
    (b"\x00\x01\x00\x00Standard ", Foreign("a database (Access)", "Export the table as CSV and upload that.")),
    (b"\x89HDF", Foreign("an HDF5 file", _TABLE)),
    (b"CDF\x01", Foreign("a NetCDF file", _TABLE)),
    (b"\x93NUMPY", Foreign("a NumPy file", _TABLE)),
    (b"MATLAB 5.0 MAT", Foreign("a MATLAB file", _TABLE)),
    (b"$FL2", Foreign("an SPSS file", _TABLE)),
    (b"$FL3", Foreign("an SPSS file", _TABLE)),
    (b"<stata_dta>", Foreign("a Stata file", _TABLE)),
    (b"\x00" * 12 + b"\xc2\xea\x81\x60", Foreign("a SAS file", _TABLE)),
    (b"RDX2\n", Foreign("a file of R", _TABLE)),
    (b"RDX3\n", Foreign("a file of R", _TABLE)),
    (b"Obj\x01", Foreign("an Avro file", _TABLE)),
    (b"ORC", Foreign("an ORC file", _TABLE)),
    (b"GGUF", Foreign("a model (GGUF), not data", "Choose a file with data in it.")),
    (b"BZh", Foreign("packed with bzip2", _REPACK)),
    (b"\xfd7zXZ", Foreign("packed with xz", _REPACK)),
    (b"\x28\xb5\x2f\xfd", Foreign("packed with Zstandard", _REPACK)),
    (b"\x1aE\xdf\xa3", Foreign("a film", "Save its frames as pictures, or its sound as WAV, and pack them as ZIP.")),
    (b"\x7fELF", Foreign("a program", "Choose a file with data in it.")),
    (b"MZ", Foreign("a program", "Choose a file with data in it.")),
)
_READABLE = (b"MZ", b"BZh", b"ORC", b"Obj\x01", b"GGUF")
"""Starts that a text may have too."""
_COMPOUND = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_STREAMS: Mapping[str, Foreign] = {
    "EncryptedPackage": Foreign("an Office file that is locked", "Save it without a password."),
    "Workbook": Foreign("an old Excel workbook (.xls)", _SHEET),
    "Book": Foreign("an old Excel workbook (.xls)", _SHEET),
    "WordDocument": Foreign("an old Word document (.doc)", _WORDS),
    "PowerPoint Document": Foreign("an old PowerPoint file (.ppt)", _WORDS),
}
"""Streams of a compound file (MS-CFB) by which the program that wrote it is known."""
_OLD_OFFICE = Foreign("an old Office file", "Save it as .xlsx, CSV or plain text.")
_MEMBERS: Mapping[str, Foreign] = {
    "word/document.xml": Foreign("a Word document (.docx)", _WORDS),
    "ppt/presentation.xml": Foreign("a PowerPoint file (.pptx)", _WORDS),
    "xl/workbook.bin": Foreign("a binary Excel workbook (.xlsb)", _SHEET),
    "Index/Document.iwa": Foreign("a file of Numbers, Pages or Keynote", "Export it as .xlsx, CSV or plain text."),
    "META-INF/MANIFEST.MF": Foreign("a Java program", "Choose a file with data in it."),
}
_MIME_TYPES: Mapping[bytes, Foreign] = {
    b"application/vnd.oasis.opendocument.spreadsheet": Foreign("an OpenDocument spreadsheet (.ods)", _SHEET),
    b"application/vnd.oasis.opendocument.text": Foreign("an OpenDocument text (.odt)", _WORDS),
    b"application/vnd.oasis.opendocument.presentation": Foreign("an OpenDocument presentation (.odp)", _WORDS),
    b"application/epub+zip": Foreign("a book (EPUB)", _WORDS),
}


def foreign_format(source: Source) -> Foreign | None:
    """The format, where it is one that is known and not read."""
    head = source.head
    if head.startswith(_COMPOUND):
        return _compound(source)
    if head.startswith(b"PK\x03\x04"):
        return _office(source)
    if head[4:12] in (b"ftypisom", b"ftypmp42", b"ftypqt  ", b"ftypM4V "):
        return Foreign("a film", "Save its frames as pictures, or its sound as WAV, and pack them as ZIP.")
    for start, foreign in _STARTS:
        if head.startswith(start) and not (start in _READABLE and not looks_binary(source.text)):
            return foreign
    return None


def _compound(source: Source) -> Foreign:
    """By the names in the directory of the compound file, whose place stands in its head."""
    shift, first = struct.unpack_from("<H", source.head, 30)[0], struct.unpack_from("<I", source.head, 48)[0]
    with source.path.open("rb") as file:
        file.seek((first + 1) << min(shift, 16))
        directory = file.read(1 << 14)
    return (
        _first(_STREAMS, (name for name in _STREAMS if (name + "\0").encode("utf-16-le") in directory)) or _OLD_OFFICE
    )


def _office(source: Source) -> Foreign | None:
    """By what a ZIP file holds; a damaged one is somebody else's matter."""
    try:
        with zipfile.ZipFile(source.path) as archive:
            names = archive.NameToInfo
            stored = "mimetype" in names and names["mimetype"].file_size < 100
            kind = _MIME_TYPES.get(archive.read("mimetype").strip()) if stored else None
    except (*DAMAGES, OSError, RuntimeError):  # damaged, packed in a strange way, or locked
        return None
    return kind or _first(_MEMBERS, (name for name in _MEMBERS if name in names))


def _first(formats: Mapping[str, Foreign], found: Iterable[str]) -> Foreign | None:
    return next((formats[name] for name in found), None)
