"""Files that are refused because of what they are, each with a sentence and a next step."""

from training.data.source import Source
from training.data.text_files import is_gzip, looks_binary, unpack_head
from training.errors import TrainingError

_SIGNATURES: tuple[tuple[bytes, str, str], ...] = (
    (b"%PDF", "a PDF", "Copy its text into a text file, or its table into a spreadsheet, and upload that."),
    (b"\xd0\xcf\x11\xe0", "an old or locked Office file", "Save it as .xlsx without a password, or as CSV."),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive", "Pack the files as ZIP."),
    (b"Rar!", "a RAR archive", "Pack the files as ZIP."),
    (b"SQLite format 3", "a database", "Export the table as CSV and upload that."),
    (b"\x89HDF", "an HDF5 file", "Save the data as CSV or Parquet."),
    (b"\x93NUMPY", "a NumPy file", "Save the data as CSV or Parquet."),
    (b"\x89PNG", "a single picture", "Put the pictures into one folder per class and pack these as ZIP."),
    (b"\xff\xd8\xff", "a single picture", "Put the pictures into one folder per class and pack these as ZIP."),
    (b"GIF8", "a single picture", "Put the pictures into one folder per class and pack these as ZIP."),
    (b"\x7fELF", "a program", "Choose a file with data in it."),
    (b"MZ", "a program", "Choose a file with data in it."),
)
_PICKLE = "Such files can run any program when they are opened. Save the data as CSV or Parquet."
_MARKUP = (
    ("<!doctype html", "a web page", "Download the data itself instead of the page that shows it."),
    ("<html", "a web page", "Download the data itself instead of the page that shows it."),
    ("<svg", "a drawing (SVG)", "Save pictures as PNG or JPEG."),
)


def refuse_known(source: Source) -> None:
    """Raise TrainingError where the file is of a kind that is never read."""
    head = source.head
    for signature, title, hint in _SIGNATURES:
        if head.startswith(signature) and not (signature == b"MZ" and not looks_binary(source.text)):
            raise TrainingError(f"{source.name} is {title}, not data that can be learnt from.", hint, code="refused")
    if is_gzip(head) and not unpack_head(head):
        raise TrainingError(
            f"{source.name} is cut off or damaged.", "Pack it anew and upload it again.", code="damaged"
        )
    if is_pickle(head):
        raise TrainingError(f"{source.name} is a pickle.", _PICKLE, code="pickle")
    start = source.text[:1000].lstrip().lower()
    if start.startswith("<?xml"):
        start = start.partition("?>")[2].lstrip()
    for opening, title, hint in _MARKUP:
        if start.startswith(opening):
            raise TrainingError(f"{source.name} is {title}, whatever its name says.", hint, code="refused")


def is_pickle(head: bytes) -> bool:
    """Whether Python would unpickle this (protocols 2 to 5)."""
    return len(head) > 2 and head[0] == 0x80 and 2 <= head[1] <= 5 and head[2:3] in b"}]c(KX\x8aJG)Nq\x95U\x8c"


def unknown_format(source: Source) -> TrainingError:
    """No reader recognises the file."""
    return TrainingError(
        f"{source.name} is in a format that is not known here.",
        "Upload a table (CSV, Excel, Parquet, JSON), a text file, or a ZIP of pictures or texts in class folders.",
        code="unknown_format",
    )
