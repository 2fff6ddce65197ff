"""Two models' answers to the same held-out examples: is one really better?"""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from webapp.core import apart
from webapp.core.templatetags.touchstone import number
from webapp.runs.models import Run
from webapp.runs.results import predictions_path

CLEAR = 0.05
"""A p below it is called real."""


def compare_answers(a: Run, b: Run) -> dict[str, Any] | None:
    """The figures of `answers.compare`; both runs must have predictions."""
    figures: dict[str, Any] | None = apart.run_long(
        "webapp.runs.comparing.answers:compare", predictions_path(a), predictions_path(b)
    )
    return figures


def judge(a: Run, b: Run, figures: dict[str, Any]) -> dict[str, Any]:
    """The verdict on `b` against `a`, in figures and in a sentence; see `compare.compare` for its shape."""
    gain = figures["difference"] if figures["test"] == "mcnemar" else -figures["difference"]
    better = _better(a, b, gain=gain, p=figures["p"])
    speak = _class_sentence if figures["test"] == "mcnemar" else _value_sentence
    verdict = {"better": better.pk if better else None, "sentence": speak(b, better, figures)}
    return {"a": a.pk, "b": b.pk, **figures, **verdict}


def _class_sentence(b: Run, better: Run | None, figures: dict[str, Any]) -> str:
    words = {"name": b.name, "fixed": figures["fixed"], "broken": figures["broken"], "p": spoken_p(figures["p"])}
    if better is None:
        return _("No real difference: “%(name)s” fixed %(fixed)d and broke %(broken)d (p %(p)s).") % words
    if better == b:
        return _("“%(name)s” is better: %(fixed)d fixed, %(broken)d broken (p %(p)s).") % words
    return _("“%(name)s” is worse: %(fixed)d fixed, %(broken)d broken (p %(p)s).") % words


def _value_sentence(b: Run, better: Run | None, figures: dict[str, Any]) -> str:
    words = {"name": b.name, "size": number(abs(figures["difference"])), "p": spoken_p(figures["p"])}
    if better is None:
        return _("No real difference: the mean errors differ by %(size)s (p %(p)s).") % words
    if better == b:
        return _("“%(name)s” is better: its mean error is %(size)s smaller (p %(p)s).") % words
    return _("“%(name)s” is worse: its mean error is %(size)s larger (p %(p)s).") % words


def _better(a: Run, b: Run, *, gain: float, p: float) -> Run | None:
    if p >= CLEAR or gain == 0:
        return None
    return b if gain > 0 else a


def spoken_p(p: float) -> str:
    """A p as a sentence has it: "< 0.001", "= 0.034"."""
    return "< 0.001" if p < 0.001 else f"= {p:.3f}"
