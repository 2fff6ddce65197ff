"""What could be learnt from the data: tasks with their columns, the best first."""

from dataclasses import dataclass
from typing import Literal

from training.architectures import ARCHITECTURES
from training.data.columns import (
    SURE,
    can_be_feature,
    has_few_codes,
    is_long_text,
    name_score,
    result_score,
)
from training.data.label_columns import count_labels, label_columns
from training.data.propose_pairs import propose_pairs, propose_speech, propose_votes
from training.data.roles import check_roles, rank_targets, roles_for, table_roles
from training.data.schema import Column, Description, Proposal
from training.tasks import TASKS, ColumnType

__all__ = ["check_roles", "propose", "roles_for"]

_MAX_OTHERS = 2
"""A table with more columns than this beside its texts is learnt as a table."""


def propose(description: Description) -> list[Proposal]:
    """The tasks that fit; empty where nothing can be learnt."""
    if votes := propose_votes(description):
        return votes
    kinds = {column.type for column in description.columns}
    structured = [proposal for form in _FORMS if form.needs in kinds for proposal in _propose_form(description, form)]
    if kinds & {"image", "boxes"} == {"image"}:
        return _propose_pictures(description, structured)
    if "audio" in kinds:
        return sorted([*propose_speech(description), *structured], key=lambda proposal: proposal.state != "good")
    if structured or kinds & {form.needs for form in _FORMS}:
        return structured
    if "conversation" in kinds:
        return _propose_language(description, "good", "These are conversations: a model can learn to answer like this.")
    if pairs := propose_pairs(description):
        return pairs
    if description.kind == "text" and not rank_targets(description, classes=True):
        return _propose_language(description, "good", "This is running text: a model can learn to continue it.")
    proposals = [*_propose_labels(description), *_propose_texts(description), *_propose_table(description)]
    if any(is_long_text(column) for column in description.columns):
        proposals += _propose_language(description, "check", "A model can learn to write texts like these.")
    return proposals or _leave_the_choice(description)


@dataclass(frozen=True)
class _Form:
    """A task that a column of some type suggests by itself."""

    needs: ColumnType
    task: str
    reason: str


_FORMS = (
    _Form("boxes", "object-detection", "These are pictures with boxes around things of {kinds}."),
    _Form("image", "image-classification", "These are pictures of {classes} classes."),
    _Form("audio", "audio-classification", "These are sounds of {classes} classes."),
    _Form("spans", "token-classification", "These are words with tags: names of {kinds} can be found."),
    _Form("answers", "question-answering", "These are questions with answers that stand in a text."),
)


def can_be_learnt(task: str) -> bool:
    """Whether there is such a task and something that learns it."""
    return task in TASKS and any(task in architecture.tasks for architecture in ARCHITECTURES.values())


def _propose_form(description: Description, form: _Form) -> list[Proposal]:
    """The task with all its roles; nothing where a column for one of them is missing."""
    if not can_be_learnt(form.task):
        return []
    roles = roles_for(description, form.task)
    if any(role.key not in roles for role in TASKS[form.task].roles):
        return []
    columns = {column.name: column for column in description.columns}
    classes = columns[roles["target"][0]].unique if "target" in roles else 0
    labels = next(column for column in description.columns if column.type == form.needs).stats.get("labels")
    count = len(labels) if isinstance(labels, list) else 0
    reason = form.reason.format(classes=classes, kinds="1 kind" if count == 1 else f"{count} kinds")
    return [Proposal(task=form.task, roles=roles, state="good", reason=reason)]


def _propose_pictures(description: Description, alone: list[Proposal]) -> list[Proposal]:
    """Pictures alone, or together with the columns beside them; the latter first where there are many."""
    others = [column for column in description.columns if can_be_feature(column, description.rows)]
    together = _propose_table(description)
    return [*together, *alone] if len(others) > _MAX_OTHERS + 1 else [*alone, *together]


def _propose_language(description: Description, state: Literal["good", "check"], reason: str) -> list[Proposal]:
    roles = roles_for(description, "language-modeling")
    return [Proposal(task="language-modeling", roles=roles, state=state, reason=reason)] if roles else []


def _propose_labels(description: Description) -> list[Proposal]:
    """Texts with several labels for each, and little else in the table."""
    texts = [column.name for column in description.columns if is_long_text(column)]
    labels = label_columns(description)
    texts = [name for name in texts if name not in {column.name for column in labels}]
    others = [c for c in description.columns if c not in labels and can_be_feature(c, description.rows)]
    if not texts or not labels or len(others) > _MAX_OTHERS or not can_be_learnt("text-multilabel"):
        return []
    names = [column.name for column in labels]
    few = len(labels) == 2
    return [
        Proposal(
            task="text-multilabel",
            roles={"target": names, "text": texts},
            state="check" if others or few else "good",
            reason=f"{_quoted(texts)} can be read to tell which of {count_labels(labels)} labels fit"
            + (f", as “{names[0]}” lists them." if len(names) == 1 else ": each has a column of yes and no."),
        )
    ]


def _propose_texts(description: Description) -> list[Proposal]:
    """Texts with a class for each, and little else in the table."""
    texts = [column.name for column in description.columns if is_long_text(column)]
    targets = rank_targets(description, classes=True)
    if texts and not targets:
        return _propose_scores(description, texts)
    if not texts:
        return []
    target = targets[0]
    others = [c for c in description.columns if c is not target and can_be_feature(c, description.rows)]
    if len(others) > _MAX_OTHERS:
        return []
    sure = not others or result_score(target, description, classes=True) >= SURE
    return [
        Proposal(
            task="text-classification",
            roles={"target": [target.name], "text": texts},
            state="good" if sure else "check",
            reason=f"{_quoted(texts)} can be read to tell the {target.unique} classes of “{target.name}” apart.",
        )
    ]


def _propose_scores(description: Description, texts: list[str]) -> list[Proposal]:
    """Texts with a number for each, and little else in the table."""
    numbers = rank_targets(description, classes=False)
    if not can_be_learnt("text-regression") or not numbers or len(numbers) - 1 > _MAX_OTHERS:
        return []
    reason = f"{_quoted(texts)} can be read to tell the number “{numbers[0].name}”."
    roles = {"target": [numbers[0].name], "text": texts}
    state: Literal["good", "check"] = (
        "good" if result_score(numbers[0], description, classes=False) >= SURE else "check"
    )
    return [Proposal(task="text-regression", roles=roles, state=state, reason=reason)]


def _propose_table(description: Description) -> list[Proposal]:
    """The likeliest target first, and the likeliest one of the other task after it."""
    classes = rank_targets(description, classes=True)[:1]
    numbers = [column for column in rank_targets(description, classes=False) if not has_few_codes(column)][:1]
    scored = [(result_score(column, description, classes=True), "tabular-classification", column) for column in classes]
    scored += [(result_score(column, description, classes=False), "tabular-regression", column) for column in numbers]
    scored.sort(key=lambda entry: -entry[0])
    return [
        Proposal(
            task=task,
            roles=roles,
            state="good" if score >= SURE else "check",
            reason=_reason(description, task, target, roles["features"]),
        )
        for score, task, target in scored
        if "features" in (roles := table_roles(description, target))
    ]


def _leave_the_choice(description: Description) -> list[Proposal]:
    if len(description.columns) < 2:
        return []
    reason = "No column stands out as the one to predict. Choose it."
    return [Proposal(task="tabular-classification", roles={}, state="choose", reason=reason)]


def _reason(description: Description, task: str, target: Column, features: list[str]) -> str:
    what = f"has {target.unique} different values" if task == "tabular-classification" else "is a number"
    why = "its name says that it is a result" if name_score(target.name) else "it stands where a result often stands"
    left = [column.name for column in description.columns if column.name not in (*features, target.name)]
    tail = f" Left out, because nothing general can be learnt from them: {_quoted(left)}." if left else ""
    return f"“{target.name}” {what}, and {why}.{tail}"


def _quoted(names: list[str]) -> str:
    return ", ".join(f"“{name}”" for name in names)
