"""What could be learnt from the data: tasks with their columns, the best first."""

from typing import Literal

from training.data.columns import SURE, can_be_feature, has_few_codes, is_long_text, name_score, result_score
from training.data.roles import check_roles, rank_targets, roles_for, table_roles
from training.data.schema import Column, Description, Proposal

__all__ = ["check_roles", "propose", "roles_for"]

_MAX_OTHERS = 2
"""A table with more columns than this beside its texts is learnt as a table."""


def propose(description: Description) -> list[Proposal]:
    """The tasks that fit; empty where nothing can be learnt."""
    kinds = {column.type for column in description.columns}
    if "image" in kinds:
        return _propose_pictures(description)
    if "conversation" in kinds:
        return _propose_language(description, "good", "These are conversations: a model can learn to answer like this.")
    if description.kind == "text" and not rank_targets(description, classes=True):
        return _propose_language(description, "good", "This is running text: a model can learn to continue it.")
    proposals = [*_propose_texts(description), *_propose_table(description)]
    if any(is_long_text(column) for column in description.columns):
        proposals += _propose_language(description, "check", "A model can learn to write texts like these.")
    return proposals or _leave_the_choice(description)


def _propose_pictures(description: Description) -> list[Proposal]:
    roles = roles_for(description, "image-classification")
    if "target" not in roles:
        return []
    classes = next(column.unique for column in description.columns if column.name == roles["target"][0])
    reason = f"These are pictures of {classes} classes, one folder each."
    return [Proposal(task="image-classification", roles=roles, state="good", reason=reason)]


def _propose_language(description: Description, state: Literal["good", "check"], reason: str) -> list[Proposal]:
    roles = roles_for(description, "language-modeling")
    return [Proposal(task="language-modeling", roles=roles, state=state, reason=reason)] if roles else []


def _propose_texts(description: Description) -> list[Proposal]:
    """Texts with a class for each, and little else in the table."""
    texts = [column.name for column in description.columns if is_long_text(column)]
    targets = rank_targets(description, classes=True)
    if not texts or not targets:
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
