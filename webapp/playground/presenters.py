"""Answers as the page draws them."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext as _

from training.verdict import plain_number
from webapp.playground.served import Served
from webapp.runs.results import read_report

MOST_BARS = 8
SERIES = 10
"""Colours of the palette."""


def answer(model: Served, output: dict[str, Any]) -> dict[str, Any]:
    """What `_answer.html` needs: bars of classes with what mattered, a value, or a text with marked stretches."""
    if "labels" in output:
        return {"label": output["label"], "bars": _label_bars(output), "words": _words(output), "several": True}
    if "probabilities" in output:
        shares = list(output["probabilities"].items())
        rest = sum(share for _label, share in shares[MOST_BARS:])
        return {
            "label": output["label"],
            "bars": [_bar(label, share, said=not place) for place, (label, share) in enumerate(shares[:MOST_BARS])],
            "rest": 100 * rest,
            "words": _words(output),
            "region": output.get("region"),
        }
    if "entities" in output:
        return {"pieces": _marked(output["text"], output["entities"]), "found": len(output["entities"])}
    if "answer" in output:
        return _answered(output)
    if "neighbours" in output:
        near = [found | {"percent": max(0.0, 100 * found["similarity"])} for found in output["neighbours"]]
        return {"neighbours": near, "map": output.get("map")}
    if "confidence" in output and "text" in output:
        return {"written": output["text"], "attention": _attention(output.get("attention")) if output["text"] else None}
    if "boxes" in output:
        return {"found": output["boxes"], "picture": output.get("picture")}
    return {
        "value": plain_number(output["value"]),
        "error": _usual_error(model),
        "words": _words(output),
        "is_likeness": model.task.key == "text-matching",
    }


def truth_in_words(output: dict[str, Any], truth: str) -> str:
    """What the data says, written as the model's answer is; nothing where it says no number."""
    if "value" not in output:
        return truth
    try:
        return plain_number(float(truth))
    except ValueError:
        return ""


def beginnings(model: Served) -> list[str]:
    """Something to start with, so that nobody faces an empty page."""
    if model.chats():
        return [_("What is the capital of France?"), _("Explain what a neural network is in two sentences.")]
    report = read_report(model.run) if model.run else None
    prompts = [sample.prompt for sample in report.samples if sample.prompt.strip()] if report else []
    return prompts[:2] or ["ROMEO:", _("Once upon a time")]


def _bar(label: str, share: float, *, said: bool) -> dict[str, Any]:
    return {"label": label, "percent": 100 * share, "said": said}


def _label_bars(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Every label that is said, and the likeliest of the others; each for itself, so they need not add up."""
    most, said = max(MOST_BARS, len(output["labels"])), set(output["labels"])
    return [_bar(label, share, said=label in said) for label, share in list(output["probabilities"].items())[:most]]


def _answered(output: dict[str, Any]) -> dict[str, Any]:
    """The passage with the answer marked in it."""
    marks = [output | {"kind": ""}] if output["answer"] else []
    label = output["answer"] or _("The text holds no answer")
    return {"label": label, "pieces": _marked(output["context"], marks), "found": len(marks)}


def _attention(found: dict[str, Any] | None) -> dict[str, Any] | None:
    """The map as a table: a row for each word that was written, a cell for each one read, the strongest as 100 %."""
    if not found:
        return None
    strongest = max((share for row in found["weights"] for share in row), default=0) or 1
    rows = [
        {"word": word, "cells": [{"percent": 100 * share, "strength": 100 * share / strongest} for share in row]}
        for word, row in zip(found["target"], found["weights"], strict=True)
    ]
    return {"words": found["source"], "rows": rows}


def _marked(text: str, marks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The text in pieces, those that are marked with their kind and a colour for each kind."""
    kinds = list(dict.fromkeys(mark["kind"] for mark in marks))
    pieces: list[dict[str, Any]] = []
    end = 0
    for mark in marks:
        pieces.append({"text": text[end : mark["start"]]})
        end = mark["end"]
        series = kinds.index(mark["kind"]) % SERIES + 1
        percent = 100 * mark["confidence"]
        pieces.append({"text": text[mark["start"] : end], "kind": mark["kind"], "series": series, "percent": percent})
    return [piece for piece in [*pieces, {"text": text[end:]}] if piece["text"]]


def _words(output: dict[str, Any]) -> list[dict[str, Any]]:
    """Words of the text with how much each spoke for the answer, from -1 to 1."""
    words = output.get("words") or []
    strongest = max((abs(word["weight"]) for word in words), default=0) or 1
    return [{"text": word["word"], "weight": word["weight"] / strongest} for word in words]


def _usual_error(model: Served) -> str:
    report = read_report(model.run) if model.run else None
    error = report.metrics.get("mae") if report else None
    return plain_number(error.value) if error else ""
