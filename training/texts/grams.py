"""Words, pairs of words and groups of letters of many texts, counted at once: what linear models read."""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator, Sequence
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix, vstack

from training.data.ids import mix

Counts: TypeAlias = csr_matrix
"""How often each hashed group stands in each text: float32 (texts, 2**bits)."""

CHARACTERS_AT_ONCE = 2_000_000
LONGEST_TEXT = 20_000
"""Characters of one text that are counted."""
CJK = "\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af"
WORD = re.compile(rf"[{CJK}]|[^\W{CJK}]+|[^\w\s]")
"""A run of letters and digits, one character of a script without spaces, or one mark."""
STEP = np.uint64(0x100000001B3)
SPACE = np.uint64(ord(" "))


def count_words(texts: Sequence[str], *, longest: int = 2, bits: int = 22) -> Counts:
    """Counts of single words and of up to `longest` words in a row, whatever their case."""
    return _count(texts, lambda some: _word_groups(some, longest), bits)


def count_letters(texts: Sequence[str], *, longest: int = 5, bits: int = 22) -> Counts:
    """Counts of up to `longest` letters in a row inside words, whose ends count as letters too."""
    return _count(texts, lambda some: _letter_groups(some, longest), bits)


def _count(texts: Sequence[str], groups: object, bits: int) -> Counts:
    parts = [_table(list(groups(some)), len(some), bits) for some in _portions(texts)]  # type: ignore[operator]
    return vstack(parts, format="csr") if parts else csr_matrix((0, 1 << bits), dtype=np.float32)


def _portions(texts: Sequence[str]) -> Iterator[list[str]]:
    """The texts in lower case with single spaces, so many at a time that memory stays small."""
    portion: list[str] = []
    size = 0
    for text in texts:
        portion.append(" ".join(text[:LONGEST_TEXT].lower().split()))
        size += len(portion[-1])
        if size >= CHARACTERS_AT_ONCE:
            yield portion
            portion, size = [], 0
    if portion:
        yield portion


def _table(groups: list[tuple[NDArray[np.int32], NDArray[np.uint64]]], texts: int, bits: int) -> Counts:
    rows = np.concatenate([rows for rows, _ in groups])
    columns = np.concatenate([(hashes >> np.uint64(64 - bits)).astype(np.int32) for _, hashes in groups])
    return csr_matrix((np.ones(len(rows), np.float32), (rows, columns)), shape=(texts, 1 << bits))


def _word_groups(texts: list[str], longest: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.uint64]]]:
    words = [WORD.findall(text) for text in texts]
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), [len(some) for some in words])
    hashes = _word_hashes([word for some in words for word in some])
    total = hashes
    yield rows, hashes
    for length in range(2, longest + 1):
        total = total[:-1] * STEP + hashes[length - 1 :]
        same = rows[length - 1 :] == rows[: len(rows) - length + 1]
        yield rows[length - 1 :][same], mix(total)[same]


def _word_hashes(words: list[str]) -> NDArray[np.uint64]:
    """64 bits per word, the same in every process."""
    numbers: dict[str, int] = {}
    at = np.array([numbers.setdefault(word, len(numbers)) for word in words], dtype=np.int64)
    data = [word.encode() for word in numbers]
    return mix(np.array([zlib.crc32(one) | zlib.adler32(one) << 32 for one in data], dtype=np.uint64))[at]


def _letter_groups(texts: list[str], longest: int) -> Iterator[tuple[NDArray[np.int32], NDArray[np.uint64]]]:
    """A group may begin or end with the space between words, but holds none inside, and so stays in one text."""
    framed = [f" {text} " for text in texts]
    rows = np.repeat(np.arange(len(texts), dtype=np.int32), [len(text) for text in framed])
    letters = np.frombuffer("".join(framed).encode("utf-32-le", "surrogatepass"), dtype="<u4").astype(np.uint64)
    is_space = letters == SPACE
    spaces = np.cumsum(is_space)
    hashes = mix(letters)
    total = np.zeros_like(hashes)
    for length in range(1, longest + 1):
        groups = len(letters) - length + 1
        total = total[:groups] * STEP + hashes[length - 1 :]
        whole = ~is_space if length == 1 else spaces[length - 2 : groups + length - 2] == spaces[:groups]
        if length == 2:
            whole = ~(is_space[:-1] & is_space[1:])
        yield rows[:groups][whole], mix(total[whole] + np.uint64(length))
