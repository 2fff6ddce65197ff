"""The only writer of a turn's status: each move is made once, by whoever comes first."""

from __future__ import annotations

from typing import Any

from webapp.playground.models import Turn

OPEN = (Turn.Status.WAITING, Turn.Status.WRITING)


def claim_turn(turn_id: int) -> Turn | None:
    """Take a waiting reply for this worker; None if it was stopped or taken before."""
    if not Turn.objects.filter(pk=turn_id, status=Turn.Status.WAITING).update(status=Turn.Status.WRITING):
        return None
    return Turn.objects.select_related("chat", "chat__run").get(pk=turn_id)


def finish_turn(turn_id: int, text: str, ending: dict[str, Any]) -> bool:
    """Keep what the model wrote and how it ended."""
    status = Turn.Status.STOPPED if ending.get("reason") == "cancelled" else Turn.Status.DONE
    return _move(turn_id, status=status, text=text, ending=ending)


def fail_turn(turn_id: int, text: str, error: dict[str, Any]) -> bool:
    """Keep what came so far, and the sentence that says what went wrong."""
    return _move(turn_id, status=Turn.Status.FAILED, text=text, ending=error)


def ask_to_stop(turn_id: int) -> bool:
    """Stop a reply before a worker took it; one that is being written is stopped by its worker."""
    return bool(Turn.objects.filter(pk=turn_id, status=Turn.Status.WAITING).update(status=Turn.Status.STOPPED))


def _move(turn_id: int, **fields: Any) -> bool:
    return bool(Turn.objects.filter(pk=turn_id, status__in=OPEN).update(**fields))
