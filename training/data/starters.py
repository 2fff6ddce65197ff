"""Data sets that ship with the product, in the very form in which a person would upload them."""

import gzip
import io
import shutil
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from training.data import lessons
from training.data.schema import DataKind

FILES = Path(__file__).parent / "starter_files"
_EDGE = 32


@dataclass(frozen=True)
class Starter:
    """A data set to begin with; `write` puts its file into a folder and returns the path."""

    key: str
    title: str
    about: str
    kind: DataKind
    licence: str
    filename: str
    write_file: Callable[[Path], None]
    offered: bool = True
    """Whether it stands among the starters; the others come with an experiment."""

    def write(self, folder: Path) -> Path:
        """Write the file as somebody would upload it."""
        path = folder / self.filename
        self.write_file(path)
        return path


def starter(key: str) -> Starter:
    """The starter of that key; raises KeyError."""
    return {entry.key: entry for entry in STARTERS}[key]


def write_starter(key: str, folder: Path) -> Path:
    """Write the starter's file into a folder; raises KeyError."""
    return starter(key).write(folder)


def _copy(path: Path) -> None:
    shutil.copyfile(FILES / path.name, path)


def _unpack(path: Path) -> None:
    with gzip.open(FILES / f"{path.name}.gz", "rb") as packed, path.open("wb") as file:
        shutil.copyfileobj(packed, file)


def _draw_digits(path: Path) -> None:
    """The 8 × 8 digits of 17 greys as PNG files of 32 × 32 in a folder per digit."""
    import numpy as np  # the list of starters does without
    from PIL import Image

    with gzip.open(FILES / "digits.csv.gz", "rt") as file:
        rows = np.loadtxt(file, delimiter=",", dtype=np.uint8)
    with zipfile.ZipFile(path, "w") as archive:
        for number, row in enumerate(rows):
            greys = (row[:64].reshape(8, 8) * np.uint8(15)).clip(0, 255)
            image = Image.fromarray(greys).resize((_EDGE, _EDGE), Image.Resampling.BICUBIC)
            png = io.BytesIO()
            image.save(png, "PNG", compress_level=1)
            archive.writestr(zipfile.ZipInfo(f"digits/{row[64]}/{number:04}.png"), png.getvalue())


STARTERS = (
    Starter(
        key="penguins",
        title="Penguins",
        about="344 penguins of three species with their measures. Learn to tell the species; done in seconds.",
        kind="table",
        licence="CC0, Palmer Station LTER",
        filename="penguins.csv",
        write_file=_copy,
    ),
    Starter(
        key="california-housing",
        title="California housing",
        about="20,640 districts of the census of 1990. Learn to predict what a house costs there.",
        kind="table",
        licence="Public domain, U.S. Census Bureau",
        filename="california_housing.csv",
        write_file=_unpack,
    ),
    Starter(
        key="sms-spam",
        title="SMS spam",
        about="5,574 text messages, one in eight is spam. Learn to tell which.",
        kind="text",
        licence="CC BY 4.0, Almeida and Gómez Hidalgo, UCI",
        filename="sms_spam.csv",
        write_file=_unpack,
    ),
    Starter(
        key="tiny-shakespeare",
        title="Tiny Shakespeare",
        about="40,000 lines from Shakespeare's plays. Learn to write on in his style, letter by letter.",
        kind="text",
        licence="Public domain",
        filename="tinyshakespeare.txt",
        write_file=_unpack,
    ),
    Starter(
        key="digits",
        title="Handwritten digits",
        about="1,797 small pictures of the digits 0 to 9. Learn to read them.",
        kind="images",
        licence="CC BY 4.0, Alpaydin and Kaynak, UCI",
        filename="digits.zip",
        write_file=_draw_digits,
    ),
    Starter(
        key="spoken-digits",
        title="Spoken digits",
        about="200 recordings of the digits zero to nine by four speakers. Learn to hear which.",
        kind="audio",
        licence="CC BY-SA 4.0, Z. Jackson and others, Free Spoken Digit Dataset",
        filename="spoken_digits.zip",
        write_file=_copy,
    ),
    Starter(
        key="plain-words",
        title="Plain words",
        about="50 short conversations about machine learning. Teach a chat model to explain it in this way.",
        kind="conversations",
        licence="CC0",
        filename="plain_words.jsonl",
        write_file=_copy,
    ),
    Starter(
        key="iris",
        title="Iris",
        about="150 flowers of three species: the classic, small enough to see through.",
        kind="table",
        licence="CC BY 4.0, Fisher, UCI",
        filename="iris.csv",
        write_file=_copy,
    ),
    Starter(
        key="four-points",
        title="Four points",
        about="(1, 2), (2, 4), (3, 6), (4, 8): the same four points are learnt from and asked about.",
        kind="table",
        licence="CC0",
        filename="four_points.zip",
        write_file=lessons.write_line,
        offered=False,
    ),
    Starter(
        key="logical-and",
        title="Logical AND",
        about="A truth table of four rows, which are learnt from and asked about.",
        kind="table",
        licence="CC0",
        filename="logical_and.zip",
        write_file=lessons.write_and,
        offered=False,
    ),
    Starter(
        key="logical-xor",
        title="Exclusive or",
        about="A truth table of four rows, which are learnt from and asked about.",
        kind="table",
        licence="CC0",
        filename="logical_xor.zip",
        write_file=lessons.write_xor,
        offered=False,
    ),
    Starter(
        key="hundred-points",
        title="A hundred points",
        about="Points of a square; those in a triangle amid it are inside. 400 more are asked about.",
        kind="table",
        licence="CC0",
        filename="hundred_points.zip",
        write_file=lessons.write_points,
        offered=False,
    ),
    Starter(
        key="small-grammar",
        title="English and German",
        about="2,892 sentences of a small grammar in both languages. Learn to translate them.",
        kind="table",
        licence="CC0",
        filename="small_grammar.csv",
        write_file=lessons.write_sentences,
        offered=False,
    ),
    Starter(
        key="capitals",
        title="Capitals",
        about="57 questions about capitals with short answers; that about France is held out.",
        kind="conversations",
        licence="CC0",
        filename="capitals.zip",
        write_file=lessons.write_capitals,
        offered=False,
    ),
)
"""In the order in which they are offered."""
