"""An ensemble: several networks trained one after another in one run, judged, saved and asked as one model."""

from __future__ import annotations

import copy
import shutil
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Self, TypeAlias

from torch import nn

from training.checkpoint import MEMBERS, last_checkpoint
from training.events import Checkpoint, Event, Phase, Points, Progress, Sample, Started, Stopped, Surface, Warning
from training.lesson import Lesson, Taught, Teaching
from training.model_folder import read_weights, write_weights
from training.models.ensemble import Ensemble
from training.spec import TrainSpec
from training.techniques.bagging import Bag

SECONDS = "seconds.txt"
Teach: TypeAlias = Callable[[Lesson], Teaching]


@dataclass(frozen=True)
class Size:
    """How long a training is, and how many weights it has; those of several add up."""

    steps: int = 0
    epochs: float = 0.0
    parameters: int = 0
    trainable: int = 0

    def __add__(self, other: Self) -> Size:
        return Size(*(getattr(self, field.name) + getattr(other, field.name) for field in fields(self)))

    def __mul__(self, times: int) -> Size:
        return Size(*(times * getattr(self, field.name) for field in fields(self)))


@dataclass(frozen=True)
class Member:
    """One of the networks that are trained one after another, and where it stands among them."""

    lesson: Lesson
    title: str
    """What the page calls its training."""
    left: int
    """How many come after it."""
    place: Callable[[Size], tuple[Size, Size]]
    """Of its own size: all that is before it, and the whole."""


def teach_members(lesson: Lesson, teach: Teach) -> Teaching:
    """Train member after member, and return all of them as one network; steps, time and epochs count through.

    Each member is the very network that a run of its own would find with the seed of the run plus the member's number.
    """
    found: list[Taught] = []
    members = (_member(lesson, number) for number in range(lesson.spec.recipe.ensemble))
    if not (yield from teach_each(lesson, members, found, teach)):
        return None
    model = Ensemble([member.model for member in found], lesson.spec.kind().mean_of)
    device = found[-1].device if found else lesson.device  # who follows has none after a pause at the very end
    return Taught(model, device, sum(member.seconds for member in found))


def teach_each(
    lesson: Lesson, members: Iterable[Member], found: list[Taught], teach: Teach
) -> Generator[Event, None, bool]:
    """Train one network after another as one long training, each into `found`; whether it came to the end.

    Those that are finished lie in the checkpoint, so that a run that goes on does not train them again. Which member
    comes next may follow from what was found before.
    """
    kept, said = _finished(lesson.folder), set[str]()
    (finished,) = lesson.crew.follow([len(kept)])
    for number, member in enumerate(members):
        if number < finished:
            found += [_read_member(path, member.lesson) for path in kept[number : number + 1]]
            continue
        before = sum(one.seconds for one in found)
        place = _Place(member, number, before, said, is_first=number == finished)
        taught = yield from place.tell(teach(member.lesson))
        if taught is None:
            return False
        _keep_member(lesson.folder, number, taught)
        yield Checkpoint(step=place.ahead.steps + place.own.steps)
        found.append(taught)
    return True


def _member(lesson: Lesson, number: int) -> Member:
    recipe = lesson.spec.recipe
    own = {"seed": recipe.seed + number, "ensemble": 1, "minutes": recipe.minutes / recipe.ensemble}
    spec: TrainSpec = lesson.spec.model_copy(update={"recipe": recipe.model_copy(update=own)})
    objective = copy.copy(lesson.objective)
    objective.spec = spec
    bag = Bag(spec.recipe.seed) if recipe.bagging else None
    return Member(
        replace(lesson, spec=spec, objective=objective, member=number, bag=bag),
        f"Training network {number + 1} of {recipe.ensemble}",
        recipe.ensemble - number - 1,
        lambda size: (size * number, size * recipe.ensemble),
    )


class _Place:
    """Where a member stands in the whole: its events are told as those of one long training."""

    def __init__(self, member: Member, number: int, before: float, said: set[str], *, is_first: bool) -> None:
        self.member, self.number = member, number
        self.before, self.said, self.is_first = before, said, is_first
        self.own = self.ahead = self.whole = Size()

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
                self.own = Size(event.steps, event.epochs, event.parameters, event.trainable)
                self.ahead, self.whole = self.member.place(self.own)
                if self.is_first:
                    yield event.model_copy(update=vars(self.whole) | {"resumed_from": self._step(event.resumed_from)})
            case Phase(name="training"):
                yield event.model_copy(update={"title": self.member.title})
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
        return self.ahead.steps + step

    def _progress(self, event: Progress) -> Progress:
        left = event.eta_seconds or 0.0
        each = (self.before + event.seconds + left) / (self.number + 1)
        update = {
            "step": self._step(event.step),
            "steps": self.whole.steps,
            "epoch": self.ahead.epochs + event.epoch,
            "seconds": self.before + event.seconds,
            "eta_seconds": left + self.member.left * each,
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
