"""A blend: several kinds of model that learn the same table, each counting as much as it helps on unseen rows."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from training.architectures import Architecture, Facts
from training.events import Warning
from training.lesson import Lesson, Taught, Teaching
from training.model_folder import NAME
from training.models.ensemble import Blend
from training.models.scaled import Scaled, reading_plainly
from training.objectives import OBJECTIVES, Objective
from training.objectives.tabular import Table
from training.order import count_steps
from training.recipes import Recipe
from training.spec import TrainSpec
from training.tabular.apart import put_aside
from training.tabular.tables import scaling_of
from training.techniques.bagging import with_rows
from training.techniques.ensemble import Member, Size, Teach, teach_each

FEW_ROWS = 200
"""Rows to learn from below which shares would follow chance."""
PICKS = 100
"""Kinds that are picked one after another; the share of each is how often it was."""
SHARED = (
    "evaluations", "checkpoint_seconds", "precision", "compile", "deterministic", "class_weights", "focal", "huber",
)  # fmt: skip
"""Fields of the recipe that every member takes over."""


@runtime_checkable
class JoinsKinds(Protocol):
    """Settings of an architecture that is a blend."""

    members: int
    kept_back: float

    def kinds(self, facts: Facts) -> list[tuple[Architecture, Recipe]]:
        """What is blended, with the recipe of each."""


@dataclass(frozen=True)
class _Kind:
    """One kind of model, with the table as a run of its own would read it."""

    spec: TrainSpec
    settings: Architecture
    table: Table


class _Blending:
    """What is trained, in which order, and what was found so far."""

    def __init__(self, lesson: Lesson) -> None:
        network = lesson.spec.network()
        assert isinstance(network, JoinsKinds)
        self.lesson, self.table = lesson, cast(Table, lesson.objective)
        self.rows, self.each = len(self.table.targets["train"]), network.members
        self.kinds = [_kind(lesson, *chosen) for chosen in network.kinds(Facts(self.rows, self.table.shapes))]
        self.shares = torch.full((len(self.kinds),), 1 / len(self.kinds))
        self.unseen = torch.empty(0, dtype=torch.int64)
        if self.rows >= FEW_ROWS and len(self.kinds) > 1:
            aside = put_aside(lesson.spec, self.table.examples, share=network.kept_back)
            self.unseen = torch.from_numpy(aside)
        self.found: list[Taught] = []
        self.facts: dict[str, float] = {}

    def members(self) -> Iterator[Member]:
        """One of each kind that leaves out the unseen rows; then, of the kinds that help, those that learn from all."""
        kinds = range(len(self.kinds))
        trials = [(kind, self.lesson.spec.recipe.seed) for kind in kinds] if self.unseen.numel() else []
        seeds = range(self.lesson.spec.recipe.seed, self.lesson.spec.recipe.seed + self.each)
        everything = [*trials, *((kind, seed) for seed in seeds for kind in kinds)]
        yield from self._in_place(everything, 0, len(trials), trials=len(trials))
        if trials:
            self._choose()
        chosen = [*trials, *((kind, seed) for seed in seeds for kind in kinds if self.shares[kind] > 0)]
        yield from self._in_place(chosen, len(trials), len(chosen), trials=len(trials))

    def _in_place(self, plan: Sequence[tuple[int, int]], first: int, end: int, *, trials: int) -> Iterator[Member]:
        """Some trainings of a plan, each the number of a kind and a seed."""
        minutes = self.lesson.spec.recipe.minutes / len(plan)
        lessons = [
            self._lesson(self.kinds[kind], at, seed=seed, minutes=minutes, is_trial=at < trials)
            for at, (kind, seed) in enumerate(plan)
        ]
        ahead = list(accumulate((_size(lesson) for lesson in lessons), initial=Size()))
        for at in range(first, end):
            title = f"Training {at + 1} of {len(plan)}: {self.kinds[plan[at][0]].settings.title}"
            title += ", to see how much it counts" if at < trials else ""
            yield Member(lessons[at], title, len(plan) - at - 1, partial(_placed, ahead, at))

    def _lesson(self, kind: _Kind, number: int, *, seed: int, minutes: float, is_trial: bool) -> Lesson:
        recipe = kind.spec.recipe.model_copy(update={"seed": seed, "minutes": minutes})
        objective = with_rows(kind.table, _others(self.unseen, self.rows)) if is_trial else copy.copy(kind.table)
        objective.spec = kind.spec.model_copy(update={"recipe": recipe})
        return replace(self.lesson, spec=objective.spec, objective=cast(Objective, objective), member=number)

    def _choose(self) -> None:
        """Set the shares by what the first of each kind say of the rows that they have not seen."""
        if self.lesson.crew.leads:
            targets = self.table.targets["train"].cpu()[self.unseen]
            models = [taught.model for taught in self.found]
            said = [_say(kind, model, self.unseen) for kind, model in zip(self.kinds, models, strict=True)]
            self.shares = choose_shares(torch.stack(said), targets)
            self.facts = self._told(said, targets)
        self.shares = torch.tensor(self.lesson.crew.follow(self.shares.tolist()))

    def _told(self, said: Sequence[Tensor], targets: Tensor) -> dict[str, float]:
        """The share of each kind and its loss on unseen rows, and the loss of them all together."""
        titles = [kind.settings.title for kind in self.kinds]
        facts = {
            f"Share of {title}": round(share, 2) for title, share in zip(titles, self.shares.tolist(), strict=True)
        }
        for title, one in zip(titles, said, strict=True):
            facts[f"Loss of {title} on unseen rows"] = unseen_loss(one, targets)
        together = (torch.stack(list(said)) * self.shares.view(-1, 1, 1)).sum(dim=0)
        return facts | {"Loss of the blend on unseen rows": unseen_loss(together, targets)}

    def taught(self) -> Taught:
        """All members that learnt from all rows, as one model; kinds without a share are there, but never asked."""
        trials = len(self.kinds) if self.unseen.numel() else 0
        learnt = iter(member.model for member in self.found[trials:])
        models = [
            next(learnt) if self.shares[at] > 0 else kind.settings.build(kind.table.shapes)
            for _member in range(self.each)
            for at, kind in enumerate(self.kinds)
        ]
        blend = Blend(_read_plainly(models, self.kinds, self.table), len(self.kinds), self.lesson.spec.kind().mean_of)
        blend.shares.copy_(self.shares)
        seconds = sum(member.seconds for member in self.found)
        return Taught(blend.to(self.lesson.device.torch), self.found[-1].device, seconds, self.facts)


def _placed(ahead: Sequence[Size], number: int, _own: Size) -> tuple[Size, Size]:
    """What is before one of several trainings whose sizes are known, and all of them."""
    return ahead[number], ahead[-1]


def teach_kinds(lesson: Lesson, teach: Teach) -> Teaching:
    """Train one of each kind without some of the rows, choose by these how much each kind counts, then train on all.

    Kinds that do not help are not trained again; of few rows every kind counts the same. Members are told as one long
    training. Weighing by rows kept back: Wolpert, "Stacked generalization", 1992,
    https://doi.org/10.1016/S0893-6080(05)80023-1
    """
    blending = _Blending(lesson)
    if blending.rows < FEW_ROWS:
        few = f"From only {blending.rows} rows shares cannot be chosen"
        yield Warning(message=f"{few}: every kind of model counts the same.")
    if lesson.spec.start_from:
        yield Warning(message="A blend always starts afresh; nothing that the earlier run found is taken over.")
    if not (yield from teach_each(lesson, blending.members(), blending.found, teach)) or not lesson.crew.leads:
        return None
    return blending.taught()


def choose_shares(said: Tensor, targets: Tensor) -> Tensor:
    """How much each kind counts, 1 in all: (kinds,), by what they say (kinds, n, outputs) of rows they have not seen.

    Picks, again and again, the kind that makes the mean of all picks best for `targets` (n,). Caruana et al.,
    "Ensemble selection from libraries of models", 2004, https://doi.org/10.1145/1015330.1015432
    """
    picks, total = torch.zeros(len(said)), torch.zeros_like(said[0])
    for number in range(1, PICKS + 1):
        losses = [unseen_loss((total + one) / number, targets) for one in said]
        best = min(range(len(said)), key=losses.__getitem__)
        picks[best] += 1
        total += said[best]
    return picks / PICKS


def unseen_loss(said: Tensor, targets: Tensor) -> float:
    """Mean squared error of values (n, 1), or mean surprise in nats at probabilities (n, classes)."""
    if targets.is_floating_point():
        return float((said[:, 0] - targets).square().mean())
    return float(-said.gather(1, targets[:, None]).clamp(min=1e-12).log().mean())


def _kind(lesson: Lesson, settings: Architecture, recipe: Recipe) -> _Kind:
    own = lesson.spec.recipe
    spec: TrainSpec = lesson.spec.model_copy(
        update={
            "architecture": settings.key,
            "settings": settings.model_dump(mode="json"),
            "recipe": recipe.model_copy(update={name: getattr(own, name) for name in SHARED} | {"ensemble": 1}),
            "start_from": "",
        }
    )
    table = cast(Table, lesson.objective)
    read = OBJECTIVES[spec.task](spec, table.examples, lesson.device, lesson.folder / NAME)
    return _Kind(spec, settings, cast(Table, read))


def _size(lesson: Lesson) -> Size:
    """How long the training of a member is, before it has begun."""
    recipe, objective = lesson.spec.recipe, lesson.objective
    model = lesson.spec.network().build(objective.shapes)
    rounds = lesson.spec.network().fit(model, objective, recipe)
    steps = count_steps(objective, recipe) if rounds is None else round(recipe.epochs)
    weights = [(weight.numel(), weight.requires_grad) for weight in model.parameters()]
    return Size(steps, recipe.epochs, sum(n for n, _ in weights), sum(n for n, trained in weights if trained))


def _others(left_out: Tensor, rows: int) -> Tensor:
    """The places of the train part that are not left out."""
    kept = torch.ones(rows, dtype=torch.bool)
    kept[left_out] = False
    return kept.nonzero()[:, 0]


def _read_plainly(models: Sequence[nn.Module], kinds: Sequence[_Kind], table: Table) -> list[nn.Module]:
    """Networks that scale the blend's plain numbers as they are used to, trees as they are."""
    found = []
    for at, model in enumerate(models):
        kind = kinds[at % len(kinds)]
        found.append(reading_plainly(model, scaling_of(kind.settings), table.shapes))
        if isinstance(found[-1], Scaled):
            found[-1].take_scales(kind.table.reading)
    return found


@torch.no_grad()
def _say(kind: _Kind, model: nn.Module, rows: Tensor) -> Tensor:
    """What a model says of these places of the train part: probabilities or values (rows, outputs)."""
    scores = with_rows(kind.table, rows).scores(model.eval(), "train").double().cpu()
    return scores if scores.shape[1] == 1 else scores.softmax(dim=1)
