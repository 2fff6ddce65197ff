"""What a word looks like, as places in a table of embeddings: so words are known that no training text has held."""

from __future__ import annotations

import re
import zlib
from collections.abc import Sequence
from functools import lru_cache
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from training.settings.texts import LOOKS, PLACES

BEGINNING = 5
"""Letters by which forms of one word are known as such."""
_REPEATED = re.compile(r"(.)\1{2,}")


@runtime_checkable
class Spells(Protocol):
    """Settings of a network that may look at the letters of each word."""

    spelled: bool


def with_looks(ids: Sequence[int], words: Sequence[str | None]) -> NDArray[np.int32]:
    """Each token's id and the looks of the word it stands in, none for marks: (tokens, 1 + LOOKS)."""
    looks = [(0,) * LOOKS if word is None else looks_of(word) for word in words]
    return np.array([(token, *seen) for token, seen in zip(ids, looks, strict=True)], dtype=np.int32)


@lru_cache(maxsize=100_000)
def looks_of(word: str) -> tuple[int, ...]:
    """The word whatever its case, how it begins and ends, and its shape: LOOKS numbers from 1 to PLACES - 1.

    Miranda et al., "Multi hash embeddings in spaCy", 2022, arXiv:2212.09255
    """
    small = word.lower()
    looks = (small, small[:2], small[:3], small[-2:], small[-3:], small[-4:], shape(word))
    return tuple(1 + zlib.crc32(f"{kind} {look}".encode()) % (PLACES - 1) for kind, look in enumerate(looks))


def meetings(words: Sequence[str], others: Sequence[str], side: str) -> list[tuple[int, int]]:
    """For each word whether it stands among the others too, whatever its case, and whether its beginning does.

    Places in the table, of their own for each side. Chen et al., "Reading Wikipedia to answer open-domain questions",
    2017, https://arxiv.org/abs/1704.00051 (exact match)
    """
    whole = {word.lower() for word in others}
    begun = {word[:BEGINNING] for word in whole}
    smalls = [word.lower() for word in words]
    return [
        (_meeting(side, "whole", one in whole), _meeting(side, "begun", one[:BEGINNING] in begun)) for one in smalls
    ]


@lru_cache
def _meeting(side: str, what: str, is_there: bool) -> int:
    return 1 + zlib.crc32(f"{side} {what} {is_there}".encode()) % (PLACES - 1)


def shape(word: str) -> str:
    """Which letters are large and which signs are digits; runs of one kind are cut to two: "London" is Xxx."""
    kinds = "".join("X" if one.isupper() else "x" if one.isalpha() else "d" if one.isdigit() else one for one in word)
    return _REPEATED.sub(r"\1\1", kinds)
