"""Whether a picture can be read, within limits."""

import io
import warnings
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import polars as pl
from PIL import Image, UnidentifiedImageError

MAX_PIXELS = 50_000_000
FORMATS = ("JPEG", "PNG", "GIF", "BMP", "WEBP", "TIFF", "PPM")
SUFFIXES = (".jpg", ".jpeg", ".png", ".gif", ".bmp", ".webp", ".tif", ".tiff", ".ppm", ".pgm")
PICTURE = pl.Struct({"bytes": pl.Binary, "path": pl.String})
_THREADS = 2
_SLICE = 64


def picture_problems(pictures: Sequence[bytes]) -> list[str]:
    """For each picture the reason why it cannot be read, or "" where it can."""
    slices = [pictures[start : start + _SLICE] for start in range(0, len(pictures), _SLICE)]
    with warnings.catch_warnings(), ThreadPoolExecutor(_THREADS) as pool:
        warnings.simplefilter("ignore")
        return [problem for some in pool.map(_problems, slices) for problem in some]


def _problems(pictures: Sequence[bytes]) -> list[str]:
    return [picture_problem(data) for data in pictures]


def picture_problem(data: bytes) -> str:
    """Why the picture cannot be read, or ""; all of it is decoded, at the smallest scale that the format offers."""
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                return f"{image.width} × {image.height} pixels are more than {MAX_PIXELS // 1_000_000} million"
            image.draft("RGB", (1, 1))
            image.load()
    except UnidentifiedImageError:
        return "not a picture"
    except Exception as error:  # decoders of hostile bytes raise anything
        return f"a damaged picture: {error}"
    return ""
