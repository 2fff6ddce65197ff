"""Stylesheets hold what pages use, each in its room."""

import re
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STYLES = ROOT / "static" / "css"
ROOMS = sorted(STYLES.rglob("*.css"))
LONGEST = 350
OF_LIBRARIES = {
    "alert-danger", "asteriskField", "errorlist", "htmx-request", "nonfield", "scheme-container", "tooltip-inner",
    "wrapper",
}  # fmt: skip
"""Classes that crispy forms, Django, htmx, Bootstrap and Swagger write by themselves."""
COMMENT_OR_URL = re.compile(r'/\*.*?\*/|url\("[^"]*"\)', re.DOTALL)
SELECTOR = re.compile(r"([^{}]+)\{")
NAME = re.compile(r"[.#]([A-Za-z_][\w-]*)")
WORD = re.compile(r"[A-Za-z_][\w-]*")
FILLED_IN = re.compile(r"([A-Za-z][\w-]*-)(?:\{|\$\{)")


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(STYLES)))
def test_a_stylesheet_says_what_it_holds_and_stays_short(room):
    lines = room.read_text().splitlines()
    assert lines[0].startswith("/* ")
    assert len(lines) <= LONGEST


@pytest.mark.parametrize("room", ROOMS, ids=lambda room: str(room.relative_to(STYLES)))
def test_every_rule_is_for_something_that_a_page_has(room):
    words, beginnings = written()
    unused = {name for name in names(room) - words - OF_LIBRARIES if not name.startswith(beginnings)}
    assert unused == set()


def test_every_stylesheet_is_linked_and_every_link_leads_to_one():
    linked = {name for page in templates() for name in re.findall(r"static 'css/([^']+)'", page.read_text())}
    assert linked == {str(room.relative_to(STYLES)) for room in ROOMS}


def names(room: Path) -> set[str]:
    """Classes and ids in the selectors of a stylesheet."""
    selectors = SELECTOR.findall(COMMENT_OR_URL.sub("", room.read_text()))
    return {name for selector in selectors for name in NAME.findall(selector)}


@cache
def written() -> tuple[set[str], tuple[str, ...]]:
    """Every word of templates, scripts and the site's code, and the beginnings of those whose end is filled in."""
    scripts, code = (ROOT / "static" / "js").glob("*.js"), (ROOT / "webapp").rglob("*.py")
    text = "\n".join(path.read_text() for path in [*templates(), *scripts, *code])
    return set(WORD.findall(text)), tuple(FILLED_IN.findall(text))


def templates() -> list[Path]:
    return list((ROOT / "templates").rglob("*.html"))
