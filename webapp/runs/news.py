"""What watchers of a run are told, and the same facts as JSON for pages and programs.

Channel `run-<id>` carries `progress` {time, status, phase, progress, metrics, points: {curve: {steps, seconds,
values}}}, at most ten times a second; `note`, one line of the log; and `status` after every move. Channel
`project-<id>` carries `changed` {kind: "run", id, status}.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from training.events import Points
from webapp.core import live
from webapp.runs.models import Note, Run

FRAME_POINTS = 32
"""Most points of one curve in one live frame."""


def note_as_json(note: Note) -> dict[str, Any]:
    """One line of the log, as the page and the API get it."""
    return {"id": note.pk, "kind": note.kind, "step": note.step, "time": note.created.isoformat(), "data": note.data}


def progress_as_json(run: Run) -> dict[str, Any]:
    """How far the run is."""
    return {
        "step": run.step,
        "steps": run.steps,
        "epoch": run.epoch,
        "seconds": run.seconds,
        "eta_seconds": run.eta_seconds,
    }


def status_as_json(run: Run) -> dict[str, Any]:
    """Where the run stands."""
    return {
        "id": run.pk,
        "name": run.name,
        "status": run.status,
        "keep": run.keep,
        "phase": run.phase,
        "error": run.error,
        "headline": run.headline,
        "progress": progress_as_json(run),
    }


def tell_progress(run: Run, points: Mapping[str, Points], notes: Sequence[Note], *, time: float) -> None:
    """One frame for the page: what moved, and the new points, thinned so that every spike stays.

    `time` is when the engine wrote the last of it, in Unix seconds.
    """
    from webapp.runs.curves.packed import thin  # numpy, which the web process does without

    channel = f"run-{run.pk}"
    for note in notes:
        live.publish(channel, "note", note_as_json(note))
    live.publish(
        channel,
        "progress",
        {
            "time": time,
            "status": run.status,
            "phase": run.phase,
            "progress": progress_as_json(run),
            "metrics": run.metrics if points else {},
            "points": {name: thin(block, FRAME_POINTS) for name, block in points.items() if block.steps},
        },
    )


def tell_status(run_id: int) -> None:
    """Say where the run now stands, to its watchers and to its project's."""
    run = Run.objects.filter(pk=run_id).first()
    if run is None:
        return
    live.publish(f"run-{run.pk}", "status", status_as_json(run))
    live.publish(f"project-{run.project_id}", "changed", {"kind": "run", "id": run.pk, "status": run.status})
