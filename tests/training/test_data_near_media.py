"""Copies of pictures and sounds are found although no byte of them is the same."""

import io
import zipfile
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image, ImageEnhance, ImageFilter

from tests.training.test_data_quality import finding, keys, mended
from tests.training.test_data_tables import imported
from training.data.near_media import EDGE, alike, picture_view, sound_view

RATE = 8000


def scene(seed: int, size: tuple[int, int] = (96, 64)) -> Image.Image:
    """A picture of soft blots, each of its own."""
    noise = np.random.default_rng(seed).integers(0, 256, size=(8, 12, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(size, Image.Resampling.BICUBIC).filter(ImageFilter.GaussianBlur(1))


def encoded(image: Image.Image, form: str = "PNG", **options: int) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


def tune(seed: int) -> np.ndarray:
    """Ten notes, in an order of its own."""
    pitches = np.random.default_rng(seed).uniform(100, 3000, 10)
    times = np.arange(RATE // 10) / RATE
    return np.concatenate([np.sin(2 * np.pi * pitch * times) * np.hanning(len(times)) for pitch in pitches])


def sound(samples: np.ndarray, form: str = "WAV") -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, samples, RATE, format=form)
    return buffer.getvalue()


def packed(tmp_path: Path, files: dict[str, bytes]) -> Path:
    path = tmp_path / "files.zip"
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def test_a_smaller_brighter_copy_is_found_and_removed(tmp_path):
    files = {f"{'cat' if n % 2 else 'dog'}/{n:03}.png": encoded(scene(n)) for n in range(40)}
    smaller = ImageEnhance.Brightness(scene(7).resize((60, 40))).enhance(1.05)
    files |= {"zoo/again.jpg": encoded(smaller, "JPEG", quality=70), "zoo/other.png": encoded(scene(500))}
    _, description = imported(packed(tmp_path, files))
    found = finding(description, "near-duplicates")
    assert (found.count, found.title) == (1, "1 row shows nearly the same picture as an earlier one")
    assert "look alike" in found.text
    after = mended(tmp_path, found)
    assert after.rows == 41
    assert "near-duplicates" not in keys(after)


def test_a_copy_on_the_other_side_of_the_split_is_found_and_moved(tmp_path):
    files = {f"train/{'cat' if n % 2 else 'dog'}/{n:03}.png": encoded(scene(n)) for n in range(30)}
    files |= {f"test/{'cat' if n % 2 else 'dog'}/{n:03}.png": encoded(scene(n)) for n in range(100, 110)}
    files["test/cat/copy.jpg"] = encoded(scene(5), "JPEG", quality=60)
    _, description = imported(packed(tmp_path, files))
    found = finding(description, "near-leak")
    assert (found.count, found.title) == (1, "1 held-out row shows nearly the same picture as one in training")
    assert mended(tmp_path, found).parts == {"train": 31, "test": 10}


def test_a_softer_sound_in_another_format_is_found(tmp_path):
    files = {f"{'up' if n % 2 else 'down'}/{n:03}.wav": sound(tune(n)) for n in range(20)}
    files["up/again.ogg"] = sound(0.4 * tune(4), "OGG")
    _, description = imported(packed(tmp_path, files))
    found = finding(description, "near-duplicates")
    assert (found.count, found.title) == (1, "1 row sounds nearly the same as an earlier one")


def test_pictures_that_only_share_their_colours_are_not_alike(tmp_path):
    views = np.stack([picture_view(encoded(scene(n))) for n in range(60)])
    assert len(alike(views)[0]) == 0


def test_views_are_small_whatever_comes():
    assert picture_view(encoded(Image.new("L", (1, 1)))).shape == (EDGE, EDGE)
    assert sound_view(sound(np.zeros(3))).shape == (EDGE, EDGE)
    assert sound_view(sound(tune(1))).max() > 200
