"""Names as they are seen: without signs that show nothing, or turn what stands around them."""

import re

_UNSEEN = re.compile("[\x00\u200b\u200e\u200f\u202a-\u202e\u2060\u2066-\u2069\ufeff]")
"""NUL, spaces without width, marks of direction and of byte order; joiners stay, which some scripts and signs need."""


def visible(name: str) -> str:
    """The name without such signs: two that look alike are alike, and “a\u202egpj.csv” cannot pass for a picture."""
    return _UNSEEN.sub("", name)
