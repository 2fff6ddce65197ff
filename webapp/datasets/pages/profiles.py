"""Columns in figures and small drawings, from what the import found out."""

from dataclasses import dataclass
from typing import Any

from django.utils.translation import get_language_info
from django.utils.translation import gettext as _

from training.data.schema import Column
from webapp.core.templatetags.touchstone import duration, number
from webapp.datasets.pages.cells import MIDNIGHT

BARS = 6
"""Commonest values that a card shows."""
VALUED = ("category", "text", "number", "boolean", "date")
"""Columns whose bars are their values, not something about them."""
QUANTILES = {"0.05": "5 %", "0.25": "25 %", "0.5": "50 %", "0.75": "75 %", "0.95": "95 %"}


@dataclass(frozen=True)
class Bar:
    """A value with its count; `share` is its length, 0 to 100, the longest being 100."""

    label: str
    count: int
    share: float


@dataclass(frozen=True)
class Stripe:
    """One bin of a histogram in a drawing 100 high."""

    x: int
    y: float
    height: float
    words: str


@dataclass(frozen=True)
class Drawing:
    """A histogram: the server's stripes, and what the browser draws in their place."""

    key: str
    stripes: list[Stripe]
    low: str
    high: str
    caption: str
    chart: dict[str, Any]
    """Edges and counts, the quantiles on them, and the unit."""


@dataclass(frozen=True)
class Profile:
    """One column as its card shows it."""

    number: int
    column: Column
    missing_share: float
    facts: list[tuple[str, str]]
    bars: list[Bar]
    drawings: list[Drawing]
    others: int
    """Different values that have no bar."""


def profile(number_: int, column: Column, rows: int) -> Profile:
    """Everything that the card of a column draws."""
    stats: dict[str, Any] = column.stats
    bars = _bars(stats) if column.type != "number" or column.unique <= BARS else []
    return Profile(
        number=number_,
        column=column,
        missing_share=100 * column.missing / rows if rows else 0.0,
        facts=_facts(column),
        bars=bars,
        drawings=[] if bars else _drawings(number_, column),
        others=max(0, column.unique - len(bars)) if bars and column.type in VALUED else 0,
    )


def _drawings(number_: int, column: Column) -> list[Drawing]:
    """How the values are spread; of pictures of different sizes, their widths and their heights."""
    stats: dict[str, Any] = column.stats
    captions = {"width": _("width in pixels"), "height": _("height in pixels")}
    edges = [(captions[name], {"histogram": found}) for name, found in (stats.get("histograms") or {}).items()]
    drawn = [(_unit(column), stats), *edges]
    return [
        Drawing(f"{number_}-{place}", *_stripes(figures), caption, _chart(figures, caption))
        for place, (caption, figures) in enumerate(drawn)
        if (figures.get("histogram") or {}).get("counts")
    ]


def _facts(column: Column) -> list[tuple[str, str]]:
    makers = {"number": _number_facts, "text": _length_facts, "category": _no_facts, "image": _image_facts}
    makers |= {"date": _range_facts, "conversation": _turn_facts, "audio": _sound_facts, "spans": _token_facts}
    makers |= {"boxes": _box_facts}
    return makers.get(column.type, _no_facts)(column.stats)


def _number_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    if "mean" not in stats:
        return []
    median = stats.get("quantiles", {}).get("0.5")
    facts = [(_("Mean"), stats["mean"]), (_("Median"), median), (_("Spread"), stats.get("std"))]
    return [(title, number(value)) for title, value in facts if value is not None]


def _length_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    length = stats.get("length", {})
    facts = [(_("Mean length"), _("%(n)s characters"), length.get("mean"))]
    facts += [(_("Words"), _("%(n)s on average"), length.get("words"))]
    facts += [(_("Tokens"), _("about %(n)s on average"), length.get("tokens"))]
    facts += [(_("Longest"), _("%(n)s characters"), length.get("max"))]
    found = [(title, words % {"n": number(round(value, 1))}) for title, words, value in facts if value is not None]
    languages = [
        str(get_language_info(entry["value"])["name_translated"]) for entry in (stats.get("languages") or [])[:3]
    ]
    return [*found, (_("Languages"), ", ".join(languages))] if languages else found


def _image_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    width, height = stats.get("width") or {}, stats.get("height") or {}
    if not width:
        return []
    channels = stats.get("channels", 3)
    colours = _("grey") if channels == 1 else _("colour")
    return [(_("Width"), _pixels(width)), (_("Height"), _pixels(height)), (_("Colours"), colours)]


def _range_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    told = [(_("From"), stats.get("min")), (_("Median"), stats.get("quantiles", {}).get("0.5"))]
    told += [(_("To"), stats.get("max"))]
    return [(title, _figure(value)) for title, value in told if value]


def _turn_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    turns, length = stats.get("turns", {}), stats.get("length", {})
    if not turns:
        return []
    mean = _("%(n)s on average") % {"n": number(turns.get("mean"))}
    return [(_("Turns"), mean), (_("Mean length"), _("%(n)s characters") % {"n": number(length.get("mean"))})]


def _sound_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    seconds = stats.get("seconds") or {}
    if not seconds:
        return []
    rates = ", ".join(f"{number(int(entry['value']))} Hz" for entry in (stats.get("rates") or [])[:3])
    return [
        (_("Length"), f"{duration(seconds['min'])} – {duration(seconds['max'])}"),
        (_("In all"), duration(seconds.get("total"))),
        (_("Sampled at"), rates),
    ]


def _token_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    length = stats.get("length") or {}
    if not length:
        return []
    return [(_("Words"), _("%(n)s on average") % {"n": number(length["mean"])}), (_("Longest"), number(length["max"]))]


def _box_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    found = stats.get("per_row") or {}
    return [(_("Boxes"), _("%(n)s on average") % {"n": number(found["mean"])})] if found else []


def _unit(column: Column) -> str:
    units = {"text": _("characters"), "conversation": _("characters"), "audio": _("seconds"), "spans": _("words")}
    return units.get(column.type, "")


def _chart(stats: dict[str, Any], unit: str) -> dict[str, Any]:
    """Quantiles are of the numbers themselves, so they belong on the histogram only where it shows those."""
    quantiles = stats.get("quantiles") or {}
    marks = [{"at": quantiles[key], "name": name} for key, name in QUANTILES.items() if key in quantiles]
    return {"edges": stats["histogram"]["edges"], "counts": stats["histogram"]["counts"], "marks": marks, "unit": unit}


def _no_facts(stats: dict[str, Any]) -> list[tuple[str, str]]:
    return []


def _pixels(size: dict[str, Any]) -> str:
    low, high = size["min"], size["max"]
    return f"{number(low)} px" if low == high else f"{number(low)}–{number(high)} px"


def _bars(stats: dict[str, Any]) -> list[Bar]:
    top = (stats.get("top") or stats.get("labels") or stats.get("roles") or _sizes(stats))[:BARS]
    most = max((entry["count"] for entry in top), default=1)
    return [Bar(_label(entry["value"]), entry["count"], round(100 * entry["count"] / most, 1)) for entry in top]


def _sizes(stats: dict[str, Any]) -> list[dict[str, Any]]:
    """The sizes of pictures where they are few enough to be named."""
    sizes = stats.get("sizes") or []
    named = [{"value": f"{size['width']} × {size['height']}", "count": size["count"]} for size in sizes]
    return named if len(named) <= BARS else []


def _label(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _stripes(stats: dict[str, Any]) -> tuple[list[Stripe], str, str]:
    counts, edges = stats["histogram"]["counts"], stats["histogram"]["edges"]
    most = max(counts) or 1
    heights = [max(100 * count / most, 2.0 if count else 0.0) for count in counts]
    words = [f"{_figure(low)} – {_figure(high)}: {number(count)}" for low, high, count in _bins(edges, counts)]
    stripes = [
        Stripe(x, 100 - height, height, text) for x, (height, text) in enumerate(zip(heights, words, strict=True))
    ]
    return stripes, _figure(stats.get("min", edges[0])), _figure(stats.get("max", edges[-1]))


def _figure(value: float | str) -> str:
    """A number, or a moment without a time of day where that is midnight."""
    return value.removesuffix(MIDNIGHT) if isinstance(value, str) else number(value)


def _bins(edges: list[float | str], counts: list[int]) -> list[tuple[float | str, float | str, int]]:
    return list(zip(edges, edges[1:], counts, strict=False))
