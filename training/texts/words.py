"""The words of a text with their places, and the text without each of them."""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from training.texts.grams import CJK

MOST_WORDS = 60
"""Stretches that are left out one by one; longer texts are cut into stretches of several words."""
TOKEN = re.compile(rf"[{CJK}]|[#@]?[^\W{CJK}]+(?:['’.-][^\W{CJK}]+)*|[^\w\s]")
WORD = re.compile(rf"[{CJK}]|[^\s{CJK}]+")


def split_words(text: str) -> list[tuple[int, int]]:
    """Where each word starts and ends; words in a row stand together where there are very many."""
    places = [found.span() for found in WORD.finditer(text)]
    together = math.ceil(len(places) / MOST_WORDS)
    if together <= 1:
        return places
    rows = [places[first : first + together] for first in range(0, len(places), together)]
    return [(row[0][0], row[-1][1]) for row in rows]


def split_tokens(text: str) -> list[tuple[int, int]]:
    """Where each word, sign of a script without spaces and mark starts and ends, as in texts cut for tagging."""
    return [found.span() for found in TOKEN.finditer(text)]


def leave_out(text: str, words: Sequence[tuple[int, int]]) -> list[str]:
    """The text without each of these stretches."""
    return [text[:start] + text[end:] for start, end in words]
