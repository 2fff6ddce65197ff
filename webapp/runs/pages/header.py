"""What stands above the tabs of a run: how it is, how far, and what can be done with it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from webapp.runs import services
from webapp.runs.models import Note, Run
from webapp.runs.pages.again import change_words, clone_url
from webapp.runs.pages.rows import done_percent, palette_number
from webapp.runs.pages.scores import headline
from webapp.runs.queue import expected_wait, position


def header(run: Run) -> dict[str, Any]:
    """State, phases and place in the queue, the result, and the ways on from here."""
    waiting = run.status == Run.Status.QUEUED
    remedy = run.error.get("remedy") or {}
    return {
        "score": headline(run),
        "percent": done_percent(run),
        "palette": palette_number(run.pk),
        "phases": phase_marks(run.notes.filter(kind="phase")),
        "position": position(run) if waiting else None,
        "wait": expected_wait(run) if waiting else None,
        "why_not_resumable": services.why_not_resumable(run),
        "clone_url": clone_url(run),
        "remedy_words": change_words(remedy),
        "remedy_url": clone_url(run, remedy) if remedy else "",
    }


@dataclass(frozen=True)
class PhaseMark:
    """One stretch of work on the way to a result."""

    title: str
    state: str
    """done, now or ahead."""


def phase_marks(notes: Iterable[Note]) -> list[PhaseMark]:
    """The stretches that were begun, the last of them under way."""
    begun: dict[str, str] = {}
    for note in notes:
        if note.kind == "phase":
            begun[str(note.data.get("name"))] = str(note.data.get("title"))
    last = next(reversed(begun), None)
    return [PhaseMark(title, "now" if name == last else "done") for name, title in begun.items()]
