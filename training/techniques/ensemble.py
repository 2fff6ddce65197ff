"""An ensemble: several networks trained one after another in one run, judged, saved and asked as one model."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from torch import nn

from training.checkpoint import MEMBERS, last_checkpoint
from training.events import Checkpoint, Event, Phase, Points, Progress, Sample, Started, Stopped, Surface, Warning
from training.lesson import Lesson, Taught, Teaching
from training.model_folder import read_weights, write_weights
from training.models.ensemble import Ensemble
from training.spec import TrainSpec
from training.techniques.bagging import Bag

SECONDS = "seconds.txt"


def teach_members(lesson: Lesson, teach: Callable[[Lesson], Teaching]) -> Teaching:
    """Train member after member, and return all of them as one network; steps, time and epochs count through.

    Each member is the very network that a run of its own would find with the seed of the run plus the member's number.
    Those that are finished lie in the checkpoint, so that a run that goes on does not train them again.
    """
    crew, spec = lesson.crew, lesson.spec
    (finished,) = crew.follow([len(_finished(lesson.folder))])
    found = [_read_member(path, lesson) for path in _finished(lesson.folder)]
    said: set[str] = set()
    for number in range(int(finished), spec.recipe.ensemble):
        before = sum(member.seconds for member in found)
        place = _Place(number, spec.recipe.ensemble, before, said, is_first=number == int(finished))
        member = yield from place.tell(teach(_member_lesson(lesson, number)))
        if member is None:
            return None
        _keep_member(lesson.folder, number, member)
        yield Checkpoint(step=(number + 1) * place.steps)
        found.append(member)
    model = Ensemble([member.model for member in found], spec.kind().mean_of)
    device = found[-1].device if found else lesson.device  # who follows has none after a pause at the very end
    return Taught(model, device, sum(member.seconds for member in found))


def _member_lesson(lesson: Lesson, number: int) -> Lesson:
    recipe = lesson.spec.recipe
    own = {"seed": recipe.seed + number, "ensemble": 1, "minutes": recipe.minutes / recipe.ensemble}
    spec: TrainSpec = lesson.spec.model_copy(update={"recipe": recipe.model_copy(update=own)})
    objective = copy.copy(lesson.objective)
    objective.spec = spec
    bag = Bag(spec.recipe.seed) if recipe.bagging else None
    return replace(lesson, spec=spec, objective=objective, member=number, bag=bag)


class _Place:
    """Where a member stands in the whole: its events are told as those of one long training."""

    def __init__(self, number: int, members: int, before: float, said: set[str], *, is_first: bool) -> None:
        self.number, self.members, self.before, self.is_first = number, members, before, is_first
        self.said = said
        self.steps, self.epochs = 0, 0.0

    def tell(self, events: Teaching) -> Teaching:
        """Every event in its place; what was said of an earlier member is not said again."""
        with closing(events):
            while True:
                try:
                    event = next(events)
                except StopIteration as end:
                    taught: Taught | None = end.value
                    return taught
                yield from self._placed(event)

    def _placed(self, event: Event) -> Generator[Event, None, None]:
        match event:
            case Started():
                self.steps, self.epochs = event.steps, event.epochs
                if self.is_first:
                    yield self._started(event)
            case Phase(name="training"):
                yield event.model_copy(update={"title": f"Training network {self.number + 1} of {self.members}"})
            case Phase(name="building") if not self.is_first:
                return
            case Warning() if event.message in self.said:
                return
            case Warning():
                self.said.add(event.message)
                yield event
            case Progress():
                yield self._progress(event)
            case Sample() | Surface() | Checkpoint() | Stopped():
                yield event.model_copy(update={"step": self._step(event.step)})
            case _:
                yield event

    def _step(self, step: int) -> int:
        return self.number * self.steps + step

    def _started(self, event: Started) -> Started:
        update = {name: self.members * getattr(event, name) for name in ("parameters", "trainable", "steps", "epochs")}
        return event.model_copy(update=update | {"resumed_from": self._step(event.resumed_from)})

    def _progress(self, event: Progress) -> Progress:
        left = event.eta_seconds or 0.0
        update = {
            "step": self._step(event.step),
            "steps": self.members * self.steps,
            "epoch": self.number * self.epochs + event.epoch,
            "seconds": self.before + event.seconds,
            "eta_seconds": left + (self.members - self.number - 1) * (event.seconds + left),
            "points": {name: self._points(points) for name, points in event.points.items()},
        }
        return event.model_copy(update=update)

    def _points(self, points: Points) -> Points:
        return Points(
            steps=[self._step(step) for step in points.steps],
            seconds=[self.before + second for second in points.seconds],
            values=points.values,
        )


def _finished(folder: Path) -> list[Path]:
    """The folders of the members that are trained, in order."""
    kept = last_checkpoint(folder) / MEMBERS
    return sorted((path for path in kept.glob("*") if path.name.isdigit()), key=lambda path: int(path.name))


def _keep_member(folder: Path, number: int, member: Taught) -> None:
    """Write a member down, whole or not at all."""
    target = last_checkpoint(folder) / MEMBERS / str(number)
    fresh = target.with_suffix(".new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    write_weights(fresh, member.model)
    (fresh / SECONDS).write_text(str(member.seconds))
    fresh.rename(target)


def _read_member(folder: Path, lesson: Lesson) -> Taught:
    model: nn.Module = lesson.spec.network().build(lesson.objective.shapes)
    read_weights(folder, model)
    return Taught(model.to(lesson.device.torch), lesson.device, float((folder / SECONDS).read_text()))
