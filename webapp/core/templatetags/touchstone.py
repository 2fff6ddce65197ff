"""Numbers, times, states and icons as every page writes them; a builtin, so that no page loads it."""

from datetime import datetime
from functools import cache, partial
from typing import Any

import heroicons
from django import template
from django.urls import reverse
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.timezone import localtime, now
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from training.architectures import ARCHITECTURES
from training.tasks import TASKS, Metric
from webapp.core import apart

register = template.Library()

STATES = {
    "importing": (gettext_lazy("Importing"), "live"),
    "ready": (gettext_lazy("Ready"), "good"),
    "queued": (gettext_lazy("Queued"), "idle"),
    "running": (gettext_lazy("Running"), "live"),
    "stopping": (gettext_lazy("Stopping"), "live"),
    "stopped": (gettext_lazy("Stopped"), "idle"),
    "finished": (gettext_lazy("Finished"), "good"),
    "failed": (gettext_lazy("Failed"), "bad"),
}


@register.simple_tag
def icon(name: str, size: int = 20, style: str = "outline", **attributes: str) -> SafeString:
    """A heroicon that screen readers pass over; the word beside it speaks."""
    attributes["class"] = f"icon {attributes.pop('css', '')}".strip()
    return mark_safe(heroicons._render_icon(style, name, size, {**attributes, "aria-hidden": "true"}))


@register.filter
def mathml(latex: str) -> SafeString:
    """A formula of ours as MathML, which browsers draw by themselves."""
    return mark_safe(_mathml(latex))


@cache
def _mathml(latex: str) -> str:
    """Made beside this process, because the converter takes six megabytes."""
    return str(apart.run("training.mathml:to_mathml", latex))


@register.simple_tag
def status_badge(status: str) -> SafeString:
    """A state in its word and its colour."""
    words, tone = STATES[status]
    return format_html('<span class="status status-{}" data-status="{}">{}</span>', tone, status, words)


@register.simple_tag
def term(word: str, explanation: str) -> SafeString:
    """A word of the field where it first appears: the dotted underline opens one sentence."""
    return format_html(
        '<span class="term" tabindex="0" data-bs-toggle="tooltip" data-bs-title="{}">{}</span>', explanation, word
    )


@register.inclusion_tag("core/_nav_item.html", takes_context=True)
def nav_item(context: dict[str, Any], name: str, title: str, icon_name: str) -> dict[str, Any]:
    """One entry of the left bar, marked when the page lies below it."""
    url, path = reverse(name), context["request"].path
    return {
        "url": url,
        "title": title,
        "icon_name": icon_name,
        "active": path == url if url == "/" else path.startswith(url),
    }


@register.simple_tag(takes_context=True)
def query(context: dict[str, Any], **changes: object) -> str:
    """The page's query string with some values changed; an empty value takes the name out."""
    values = context["request"].GET.copy()
    for name, value in changes.items():
        values.pop(name, None)
        if value not in (None, ""):
            values[name] = str(value)
    return f"?{values.urlencode()}"


@register.filter
def ago(moment: datetime | None) -> SafeString | str:
    """How long ago, with the exact time on hover; app.js keeps it fresh."""
    if moment is None:
        return "–"
    exact = date_format(localtime(moment), "DATETIME_FORMAT")
    return format_html('<time datetime="{}" title="{}" data-ago>{}</time>', moment.isoformat(), exact, _ago(moment))


@register.filter
def duration(seconds: float | None) -> str:
    """Seconds as people say them: 0.4 s, 12 s, 2 min 5 s, 1 h 12 min, 3 d 4 h."""
    if seconds is None:
        return "–"
    if seconds < 10:
        return _("%(n)s s") % {"n": number_format(round(seconds, 1))}
    whole = round(seconds)
    if whole < 60:
        return _("%(n)s s") % {"n": whole}
    if whole < 3600:
        return _("%(a)s min %(b)s s") % {"a": whole // 60, "b": whole % 60}
    if whole < 86_400:
        return _("%(a)s h %(b)s min") % {"a": whole // 3600, "b": whole % 3600 // 60}
    return _("%(a)s d %(b)s h") % {"a": whole // 86_400, "b": whole % 86_400 // 3600}


@register.filter
def number(value: float | int | None) -> str:
    """A number with thousands set apart; fractions with four figures that count."""
    if value is None:
        return "–"
    if isinstance(value, int) or float(value).is_integer():
        return number_format(int(value), use_l10n=True, force_grouping=True)
    if value != value or abs(value) == float("inf"):
        return _("not a number")
    if abs(value) >= 1000:
        return number_format(round(value), force_grouping=True)
    return number_format(f"{value:.4g}" if abs(value) >= 1e-4 else f"{value:.1e}")


@register.filter
def figure(text: str) -> str:
    """A number that was written down whole, as a person reads it."""
    return number(float(text))


@register.filter
def compact(value: float | None) -> str:
    """A large count in short: 950, 12.3 k, 4.1 M, 1.2 G."""
    if value is None:
        return "–"
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size:
            return f"{number_format(f'{value / size:.3g}')} {unit}"
    return number(value)


@register.filter(name="bytes")
def byte_size(value: float | None) -> str:
    """A size: 512 B, 15.2 kB, 1.4 GB (powers of 1000, as disks are sold)."""
    if value is None:
        return "–"
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if abs(value) >= size:
            return f"{number_format(f'{value / size:.3g}')} {unit}"
    return f"{int(value)} B"


@register.filter
def metric(value: float | None, measure: Metric | None = None) -> str:
    """A measure's value in its unit: 97.1 %, 1.62 nats."""
    if value is None:
        return "–"
    if measure and measure.percent:
        return f"{number_format(round(100 * value, 1), 1)} %"
    value = round(value, 4) if abs(value) < 10 else value
    return f"{number(value)} {measure.unit}".strip() if measure else number(value)


@register.filter
def share(value: float | None) -> str:
    """A share as a percentage: 97.1 %."""
    return "–" if value is None else f"{number_format(round(100 * value, 1), 1)} %"


@register.filter
def task_title(key: str) -> str:
    """A task's name in plain words; its key if it is no longer in the catalog."""
    return TASKS[key].title if key in TASKS else key


@register.filter
def architecture_title(key: str) -> str:
    """An architecture's name; its key if it is no longer in the catalog."""
    return ARCHITECTURES[key].title if key in ARCHITECTURES else key


def _ago(moment: datetime) -> str:
    seconds = (now() - moment).total_seconds()
    if seconds < 45:
        return _("just now")
    for size, words in (
        (86_400, partial(ngettext, "%(n)d day ago", "%(n)d days ago")),
        (3600, partial(ngettext, "%(n)d hour ago", "%(n)d hours ago")),
    ):
        if seconds >= size:
            count = int(seconds // size)
            return words(count) % {"n": count}
    return _("%(n)d min ago") % {"n": max(1, round(seconds / 60))}
