"""A blend: several kinds of model that learn the same table, each counting as much as it helps on unseen rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import accumulate
from typing import Protocol, cast, runtime_checkable

import torch
from torch import Tensor, nn

from training.architectures import Architecture, Facts
from training.data.split import assign_parts
from training.events import Phase, Warning
from training.lesson import Lesson, Taught, Teaching
from training.model_folder import NAME
from training.models.ensemble import Blend
from training.models.scaled import Scaled, reading_plainly
from training.objectives import OBJECTIVES, Objective
from training.objectives.tabular import Table
from training.order import count_steps
from training.recipes import Recipe
from training.spec import Split, TrainSpec
from training.tabular.tables import scaling_of
from training.techniques.bagging import with_rows
from training.techniques.ensemble import Member, Size, Teach, teach_each

FEW_ROWS = 200
"""Rows to learn from below which shares would follow chance."""
PICKS = 100
"""Kinds that are picked one after another; the share of each is how often it was."""
SHARED = ("checkpoint_seconds", "precision", "compile", "deterministic", "class_weights", "focal", "huber")
"""Fields of the recipe that every member takes over."""


@runtime_checkable
class JoinsKinds(Protocol):
    """Settings of an architecture that is a blend."""

    folds: int

    def kinds(self, facts: Facts) -> list[tuple[Architecture, Recipe]]:
        """What is blended, with the recipe of each."""


@dataclass(frozen=True)
class _Kind:
    """One kind of model, with the table as a run of its own would read it."""

    spec: TrainSpec
    settings: Architecture
    table: Table


def teach_kinds(lesson: Lesson, teach: Teach) -> Teaching:
    """Train every kind once for each fold, on all rows but its own, and weigh the kinds by what they say there.

    Of few rows every member learns from all, and every kind counts the same. Members are told as one long training.
    Erickson et al., "AutoGluon-Tabular: robust and accurate AutoML for structured data", 2020,
    https://arxiv.org/abs/2003.06505
    """
    network = lesson.spec.network()
    assert isinstance(network, JoinsKinds)
    table = cast(Table, lesson.objective)
    rows = len(table.targets["train"])
    kinds = [_kind(lesson, *chosen) for chosen in network.kinds(Facts(rows, table.shapes))]
    unseen = _folds(lesson, network.folds) if rows >= FEW_ROWS else [torch.empty(0, dtype=torch.int64)] * network.folds
    if rows < FEW_ROWS:
        yield Warning(message=f"From only {rows} rows shares cannot be chosen: every kind of model counts the same.")
    found = yield from teach_each(_members(lesson, kinds, unseen), teach)
    if found is None or not lesson.crew.leads:
        return None
    models = [member.model.eval() for member in found]
    blend = Blend(_read_plainly(models, kinds, table), len(kinds), lesson.spec.kind().mean_of)
    facts: dict[str, float] = {}
    if rows >= FEW_ROWS:
        yield Phase(name="evaluating", title="Choosing how much each kind counts")
        said = [_say(kind, models[at :: len(kinds)], unseen) for at, kind in enumerate(kinds)]
        targets = table.targets["train"].cpu()
        blend.shares.copy_(choose_shares(torch.stack(said), targets))
        facts = _facts(kinds, blend.shares, said, targets)
    return Taught(blend.to(lesson.device.torch), found[-1].device, sum(member.seconds for member in found), facts)


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


def _folds(lesson: Lesson, folds: int) -> list[Tensor]:
    """The places of the train part that each fold keeps away: equal examples together, classes in equal shares."""
    spec, examples = lesson.spec, cast(Table, lesson.objective).examples
    train = examples.rows["train"]
    ids, target = examples.ids[train], examples.column(spec.column("target"), "train")
    how = "random" if spec.task.endswith("regression") else "stratified"
    left_out = []
    for fold in range(1, folds + 1):
        split = Split(how=how, folds=folds, fold=fold, seed=(spec.split.seed + 1) % 2**31)  # not that of the test part
        parts = assign_parts(ids, [None] * len(ids), split, target if how == "stratified" else None)
        left_out.append(torch.from_numpy((parts == "test").nonzero()[0]))
    return left_out


def _members(lesson: Lesson, kinds: Sequence[_Kind], unseen: Sequence[Tensor]) -> list[Member]:
    """Kind by kind for each fold, so that early on it is known how long all will take."""
    recipe, count = lesson.spec.recipe, len(kinds) * len(unseen)
    lessons: list[Lesson] = []
    for fold, left_out in enumerate(unseen):
        for kind in kinds:
            own = {"seed": recipe.seed + fold, "minutes": recipe.minutes / count}
            spec = kind.spec.model_copy(update={"recipe": kind.spec.recipe.model_copy(update=own)})
            objective = with_rows(kind.table, _others(left_out, len(kind.table.targets["train"])))
            objective.spec = spec
            lessons.append(replace(lesson, spec=spec, objective=cast(Objective, objective), member=len(lessons)))
    sizes = [_size(member) for member in lessons]
    ahead = list(accumulate(sizes, initial=Size()))
    return [
        Member(
            member,
            f"Training {at + 1} of {count}: {kinds[at % len(kinds)].settings.title}",
            partial(_placed, ahead, at),
        )
        for at, member in enumerate(lessons)
    ]


def _placed(ahead: Sequence[Size], number: int, _own: Size) -> tuple[Size, Size]:
    return ahead[number], ahead[-1]


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
            found[-1].take_scales(kind.table.encoding)
    return found


@torch.no_grad()
def _say(kind: _Kind, models: Sequence[nn.Module], unseen: Sequence[Tensor]) -> Tensor:
    """What a kind says of each row of the train part by the model that has not seen it: (rows, outputs)."""
    rows = len(kind.table.targets["train"])
    said = torch.zeros(rows, kind.table.shapes.outputs, dtype=torch.float64)
    for model, left_out in zip(models, unseen, strict=True):
        if len(left_out):
            scores = with_rows(kind.table, left_out).scores(model, "train").double().cpu()
            said[left_out] = scores if scores.shape[1] == 1 else scores.softmax(dim=1)
    return said


def _facts(kinds: Sequence[_Kind], shares: Tensor, said: Sequence[Tensor], targets: Tensor) -> dict[str, float]:
    """The share of each kind and its loss on unseen rows, and the loss of them all together."""
    facts: dict[str, float] = {}
    for kind, share, one in zip(kinds, shares.tolist(), said, strict=True):
        facts[f"Share of {kind.settings.title}"] = round(share, 2)
        facts[f"Loss of {kind.settings.title} on unseen rows"] = unseen_loss(one, targets)
    together = (torch.stack(list(said)) * shares.view(-1, 1, 1)).sum(dim=0)
    return facts | {"Loss of the blend on unseen rows": unseen_loss(together, targets)}
