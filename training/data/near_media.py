"""Pictures that look, and sounds that sound, nearly the same: tiny views of them, compared where gradients agree.

The gradients' signs are a difference hash (Krawetz, "Kind of like that", 2013); copies whose signs differ in some
places are found by hashing pairs of blocks of them (Manku, Jain and Das Sarma, "Detecting near-duplicates", 2007).
"""

import io
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import combinations
from pathlib import Path
from typing import TypeAlias

import numpy as np
import pyarrow.parquet as pq
import soundfile
from numpy.typing import NDArray
from PIL import Image

from training.data.ids import mix
from training.data.schema import PART, Column

Rows: TypeAlias = NDArray[np.int64]
Views: TypeAlias = NDArray[np.uint8]
"""uint8 [examples, 16, 16]: greys of a picture; loudness of a sound by time and pitch."""

EDGE = 16
BLOCKS = 8
"""Blocks of the 112 signs; two of them agree wherever at most six signs differ."""
ALIKE = 0.09
"""Root mean square difference of two views, in standard deviations, up to which they count as nearly the same: two
takes of one word by one speaker differ by 0.1 and more."""
FLAT = 2.0
"""Standard deviation that a view has at least, so that noise on an even ground is no difference."""
FRAME, FRAMES = 1024, 64
"""Samples of a stretch of sound, and stretches that are heard of each."""
LONGEST = 30.0
"""Seconds of a sound that are compared."""
LOUDNESS = 60.0
"""Decibels below the loudest that count."""
_WINDOW = np.hanning(FRAME).astype(np.float32)
_PITCHES = np.geomspace(60.0, 4000.0, EDGE + 1)
_BATCH, _THREADS = 256, 2
_NOTHING: Views = np.zeros((EDGE, EDGE), dtype=np.uint8)


def media_pairs(path: Path, column: Column, most: int) -> tuple[Rows, Rows]:
    """Int64 [pairs] twice: rows that look or sound nearly like another one.

    Held-out rows are compared all, others up to row number `most`. Memory: some 500 bytes per compared row.
    """
    found = list(_views(path, column, most))
    rows = np.concatenate([rows for rows, _ in found]) if found else np.empty(0, dtype=np.int64)
    if len(rows) < 2:
        return rows[:0], rows[:0]
    views = np.concatenate([views for _, views in found])
    first, second = alike(views)
    return rows[first], rows[second]


def _views(path: Path, column: Column, most: int) -> Iterator[tuple[Rows, Views]]:
    """Row numbers with their views, a batch at a time; cells without content have none."""
    look, start = _LOOKS[column.type], 0
    with pq.ParquetFile(path) as file, ThreadPoolExecutor(_THREADS) as pool:
        for batch in file.iter_batches(_BATCH, columns=[f"{column.name}.bytes", PART]):
            parts = batch.column(PART).to_pylist()
            cells = batch.column(column.name).field("bytes")
            taken = [
                row
                for row, part in enumerate(parts)
                if cells[row].is_valid and (start + row < most or part in ("test", "val"))
            ]
            views = list(pool.map(look, (cells[row].as_py() for row in taken)))
            if views:
                yield start + np.array(taken, dtype=np.int64), np.stack(views)
            start += len(parts)


def picture_view(data: bytes) -> Views:
    """uint8 [16, 16]: the greys of a picture of any size; the bytes must be one that can be read."""
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (4 * EDGE, 4 * EDGE))
        small = image.convert("L").resize((EDGE, EDGE), Image.Resampling.BOX)
    return np.asarray(small, dtype=np.uint8)


def sound_view(data: bytes) -> Views:
    """uint8 [16, 16]: loudness by time and pitch (60 to 4,000 Hz), 255 the loudest, 0 some 60 decibels below it."""
    with soundfile.SoundFile(io.BytesIO(data)) as sound:
        rate = sound.samplerate
        heard = sound.read(int(LONGEST * rate), dtype="float32", always_2d=True).mean(axis=1)
    if len(heard) < 2:
        return _NOTHING
    heard = np.pad(heard, (0, max(0, FRAME - len(heard))))
    starts = np.linspace(0, len(heard) - FRAME, FRAMES).astype(int)
    frames = heard[starts[:, None] + np.arange(FRAME)] * _WINDOW
    power = np.pad(np.abs(np.fft.rfft(frames)) ** 2, ((0, 0), (1, 0))).cumsum(axis=1, dtype=np.float64)
    edges = np.searchsorted(np.fft.rfftfreq(FRAME, 1 / rate), _PITCHES)
    energy = np.diff(power[:, edges], axis=1).reshape(EDGE, FRAMES // EDGE, EDGE).mean(axis=1)
    decibels = 10 * np.log10(energy / max(float(energy.max()), 1e-12) + 10 ** (-LOUDNESS / 10))
    return np.asarray((decibels / LOUDNESS + 1) * 255, dtype=np.float64).clip(0, 255).astype(np.uint8)


_LOOKS: dict[str, Callable[[bytes], Views]] = {"image": picture_view, "audio": sound_view}
MEDIA_TYPES = tuple(_LOOKS)


def alike(views: Views) -> tuple[Rows, Rows]:
    """Int64 [pairs] twice: views that are nearly the same as an earlier one that shares two blocks of signs."""
    blocks = _blocks(views)
    firsts, seconds = [], []
    for one, other in combinations(range(BLOCKS), 2):
        key = mix(blocks[:, one] << np.uint64(14) | blocks[:, other])
        order = np.argsort(key, kind="stable").astype(np.int64)
        fresh = np.concatenate([[True], key[order][1:] != key[order][:-1]])
        leader = order[np.maximum.accumulate(np.where(fresh, np.arange(len(order)), 0))]
        before = np.where(fresh, order, np.roll(order, 1))
        for first, second in ((leader, order), (before, order)):
            near = (first != second) & _agree(views, first, second)
            firsts.append(first[near])
            seconds.append(second[near])
    return np.concatenate(firsts), np.concatenate(seconds)


def _blocks(views: Views) -> NDArray[np.uint64]:
    """Uint64 [examples, 8]: 14 signs each of the differences between neighbours of the view at half its size."""
    half = views.reshape(-1, EDGE // 2, 2, EDGE // 2, 2).astype(np.uint16).sum(axis=(2, 4), dtype=np.uint16)
    across = half[:, :, 1:] > half[:, :, :-1]
    down = half[:, 1:, :] > half[:, :-1, :]
    signs = np.concatenate([across.reshape(len(views), -1), down.reshape(len(views), -1)], axis=1)
    weights = np.uint64(1) << np.arange(signs.shape[1] // BLOCKS, dtype=np.uint64)
    packed: NDArray[np.uint64] = (signs.reshape(len(views), BLOCKS, -1) * weights).sum(axis=2, dtype=np.uint64)
    return packed


def _agree(views: Views, first: Rows, second: Rows) -> NDArray[np.bool_]:
    """Bool [pairs]: whether two views differ by little but their brightness and contrast, or loudness."""
    agree = np.zeros(len(first), dtype=bool)
    (differ,) = np.nonzero(first != second)
    for start in range(0, len(differ), 1 << 14):  # so that memory stays small
        some = differ[start : start + (1 << 14)]
        one, other = (_standardised(views[rows[some]]) for rows in (first, second))
        agree[some] = np.sqrt(((one - other) ** 2).mean(axis=1)) <= ALIKE
    return agree


def _standardised(views: Views) -> NDArray[np.float32]:
    flat = views.reshape(len(views), -1).astype(np.float32)
    centred = flat - flat.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float32] = centred / np.maximum(centred.std(axis=1, keepdims=True), FLAT)
    return scaled
