"""Answers as the page draws them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from training.verdict import plain_number
from webapp.playground.served import Served
from webapp.runs.results import read_report

MOST_BARS = 8


def answer(model: Served, output: dict[str, Any]) -> dict[str, Any]:
    """What `_answer.html` needs: bars of classes with what mattered, or a value with its usual error."""
    if "probabilities" in output:
        shares = list(output["probabilities"].items())
        bars = [{"label": label, "share": share, "percent": 100 * share} for label, share in shares[:MOST_BARS]]
        rest = sum(share for _label, share in shares[MOST_BARS:])
        return {
            "label": output["label"],
            "bars": bars,
            "rest": 100 * rest,
            "words": _words(output),
            "region": output.get("region"),
        }
    return {"value": plain_number(output["value"]), "error": _usual_error(model), "bars": []}


def beginnings(model: Served) -> list[str]:
    """Something to start with, so that nobody faces an empty page."""
    if model.chats():
        return [_("What is the capital of France?"), _("Explain what a neural network is in two sentences.")]
    report = read_report(model.run) if model.run else None
    prompts = [sample.prompt for sample in report.samples if sample.prompt.strip()] if report else []
    return prompts[:2] or ["ROMEO:", _("Once upon a time")]


def _words(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Words of the text with how much each spoke for the answer, from -1 to 1."""
    words = output.get("words") or []
    strongest = max((abs(word["weight"]) for word in words), default=0) or 1
    return [{"text": word["word"], "weight": word["weight"] / strongest} for word in words]


def _usual_error(model: Served) -> str:
    report = read_report(model.run) if model.run else None
    error = report.metrics.get("mae") if report else None
    return plain_number(error.value) if error else ""
