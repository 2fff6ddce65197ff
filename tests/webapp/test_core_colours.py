"""Colours can be told apart by everybody: WCAG 2.2 AA, in both themes."""

import re
from pathlib import Path

import pytest

COLOURS = (Path(__file__).parents[2] / "static" / "css" / "colours.css").read_text()
LIGHT, DARK = [dict(re.findall(r"--([\w-]+): #([0-9a-f]{6});", block)) for block in COLOURS.split("}")[:2]]
THEMES = pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
GROUNDS = ("canvas", "surface", "surface-2")
STATES = ("good", "bad", "warn", "live")
WORDS = ("text", "text-2", "text-3", "gold-text", *STATES)


@THEMES
@pytest.mark.parametrize("words", WORDS)
@pytest.mark.parametrize("ground", GROUNDS)
def test_words_can_be_read_on_every_ground(theme, words, ground):
    assert contrast(theme[words], theme[ground]) >= 4.5


@THEMES
@pytest.mark.parametrize("words", ["text-2", "text-3"])
@pytest.mark.parametrize("tint", [f"{state}-tint" for state in (*STATES, "gold")])
def test_words_can_be_read_in_notices_and_chosen_cards(theme, words, tint):
    assert contrast(theme[words], theme[tint]) >= 4.5


@THEMES
@pytest.mark.parametrize("state", STATES)
def test_a_state_can_be_read_in_its_badge(theme, state):
    assert contrast(theme[state], theme[f"{state}-tint"]) >= 4.5


@THEMES
@pytest.mark.parametrize(
    "line", ["line-control", "gold-strong", "chart-baseline", *(f"series-{n}" for n in range(1, 11))]
)
def test_borders_of_fields_focus_and_curves_can_be_seen(theme, line):
    assert contrast(theme[line], theme["surface"]) >= 3


def contrast(one: str, other: str) -> float:
    """From 1 (the same) to 21 (black on white); https://www.w3.org/TR/WCAG22/#dfn-contrast-ratio."""
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def luminance(colour: str) -> float:
    red, green, blue = (linear(int(colour[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def linear(share: float) -> float:
    """sRGB without its gamma."""
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
