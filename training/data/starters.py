"""Data sets that ship with the product, in the very form in which a person would upload them."""

import gzip
import io
import shutil
import tomllib
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
    offered: bool = True
    """Whether it stands among the starters; the others come with an experiment."""

    def write(self, folder: Path) -> Path:
        """Write the file as somebody would upload it."""
        path = folder / self.filename
        WRITERS.get(self.key, _ship)(path)
        return path


def starter(key: str) -> Starter:
    """The starter of that key; raises KeyError."""
    return {entry.key: entry for entry in STARTERS}[key]


def write_starter(key: str, folder: Path) -> Path:
    """Write the starter's file into a folder; raises KeyError."""
    return starter(key).write(folder)


def _ship(path: Path) -> None:
    """The file as it lies ready, unpacked where it is packed."""
    if (packed := FILES / f"{path.name}.gz").exists():
        with gzip.open(packed, "rb") as content, path.open("wb") as file:
            shutil.copyfileobj(content, file)
    else:
        shutil.copyfile(FILES / path.name, path)


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


WRITERS: dict[str, Callable[[Path], None]] = {
    "digits": _draw_digits,
    "four-points": lessons.write_line,
    "logical-and": lessons.write_and,
    "logical-xor": lessons.write_xor,
    "hundred-points": lessons.write_points,
    "small-grammar": lessons.write_sentences,
    "capitals": lessons.write_capitals,
    "few-messages": lessons.write_messages,
}
"""What makes the files that do not lie ready."""
STARTERS = tuple(Starter(**entry) for entry in tomllib.loads((FILES / "starters.toml").read_text())["starter"])
"""In the order in which they are offered."""
