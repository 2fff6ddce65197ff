"""A complete spec out of what a person or a program chose: everything else is proposed from the data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, TypeVar

from pydantic import ValidationError

from training.architectures import ARCHITECTURES, Architecture, architectures_for
from training.data.roles import check_division, check_roles, roles_for, table_roles, usual_split, without_divider
from training.data.schema import Column, Description
from training.errors import TrainingError
from training.facts import facts_of, recommended
from training.recipes import Preset, Settings
from training.spec import Split, TrainSpec, plain_words
from training.tasks import TASKS

CHANCE = Split()
"""Divided at random."""


class Choices(TypedDict, total=False):
    """What may be chosen of a spec; the rest is proposed."""

    task: str | None
    roles: Mapping[str, str | Sequence[str]] | None
    architecture: str | None
    settings: Mapping[str, Any] | None
    recipe: Mapping[str, Any] | None
    split: Mapping[str, Any] | None
    preset: Preset


def propose(
    description: Description,
    *,
    data: str = "",
    task: str | None = None,
    roles: Mapping[str, str | Sequence[str]] | None = None,
    architecture: str | None = None,
    settings: Mapping[str, Any] | None = None,
    recipe: Mapping[str, Any] | None = None,
    split: Mapping[str, Any] | None = None,
    preset: Preset = "balanced",
    start_from: str = "",
) -> TrainSpec:
    """A complete, valid spec: what is given is kept, what is left out is proposed from the data and the preset.

    `settings`, `recipe` and `split` may be partial; they are laid over the preset. Raises TrainingError in plain words.
    """
    given = {role: [names] if isinstance(names, str) else list(names) for role, names in (roles or {}).items()}
    task = task or _fitting_task(description, given)
    usual_roles = complete_roles(description, task, given)
    divided = split or {}
    parts = _laid_over(Split() if "how" in divided else usual_split(description, task, usual_roles), divided)
    chosen = complete_roles(description, task, given, parts)
    check_roles(description, task, chosen)
    check_division(task, chosen, parts)
    kind = _architecture(task, architecture, recommended(description, task=task, roles=chosen, preset=preset))
    facts = facts_of(description, task=task, roles=chosen, split=parts)
    network, usual = kind.preset(preset, task, facts)
    try:
        return TrainSpec(
            task=task,
            data=data,
            roles=chosen,
            architecture=kind.key,
            settings=_laid_over(network, settings).model_dump(mode="json"),
            recipe=_laid_over(usual, recipe),
            split=parts,
            start_from=start_from,
        )
    except ValidationError as error:
        raise _refusal(error) from error


def _fitting_task(description: Description, given: Mapping[str, list[str]]) -> str:
    """The proposed task whose roles take what was given; else any task that does."""
    proposed = [proposal.task for proposal in description.proposals]
    if not given and proposed:
        return proposed[0]
    candidates: list[str] = [*proposed, *TASKS]
    refusals: list[TrainingError] = []
    for task in dict.fromkeys(candidates):
        if set(given) <= {role.key for role in TASKS[task].roles} and architectures_for(task):
            try:
                check_roles(description, task, complete_roles(description, task, given))
            except TrainingError as refusal:
                refusals.append(refusal)
            else:
                return task
    if refusals:
        raise refusals[0]
    hint = "Say which task you mean, and which columns have which role."
    raise TrainingError("No task can learn from these columns.", hint, code="no_task")


def complete_roles(
    description: Description, task: str, given: Mapping[str, list[str]], split: Split = CHANCE
) -> dict[str, list[str]]:
    """What was given, and for the other roles what is proposed, without the columns that are already taken."""
    usual = next((p.roles for p in description.proposals if p.task == task), None) or roles_for(description, task)
    if "target" in given and "features" not in given and task.startswith("tabular-"):
        usual = table_roles(description, _column(description, given["target"]))
    taken = {name for names in given.values() for name in names}
    free = without_divider(task, usual, split)
    proposed = {role: [name for name in names if name not in taken] for role, names in free.items()}
    roles = {role.key: given.get(role.key) or proposed.get(role.key, []) for role in TASKS[task].roles}
    if strange := set(given) - set(roles):
        raise TrainingError(
            f"“{TASKS[task].title}” has no role “{min(strange)}”.",
            f"Its roles are: {', '.join(roles)}.",
            code="bad_roles",
        )
    return roles


def _column(description: Description, names: Sequence[str]) -> Column | None:
    return next((column for column in description.columns if column.name in names), None)


def _architecture(task: str, key: str | None, usual: str) -> type[Architecture]:
    if key:
        return ARCHITECTURES[key]
    able = architectures_for(task)
    if not able:
        raise TrainingError(f"No architecture can learn “{TASKS[task].title}” yet.", code="no_task")
    return next((kind for kind in able if kind.key == usual), able[0])


S = TypeVar("S", bound=Settings)


def _laid_over(usual: S, changes: Mapping[str, Any] | None) -> S:
    """Settings with some of them changed, checked again as a whole."""
    try:
        return type(usual).model_validate(usual.model_dump() | dict(changes or {}))
    except ValidationError as error:
        raise _refusal(error) from error


def _refusal(error: ValidationError) -> TrainingError:
    return TrainingError(plain_words(error), "Correct it and send it again.", code="bad_settings")
