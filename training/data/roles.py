"""Columns for the roles of a task: a first choice, and whether a person's choice makes sense."""

from collections.abc import Mapping, Sequence

from training.data.columns import (
    can_be_classes,
    can_be_feature,
    can_be_target,
    has_few_codes,
    is_long_text,
    result_score,
    text_length,
)
from training.data.label_columns import is_flag, label_columns, labels_of
from training.data.schema import Column, Description
from training.errors import TrainingError
from training.spec import Split
from training.tasks import TASKS, Role

_KINDS = {
    "number": "a column of numbers",
    "boolean": "a yes-or-no column",
    "category": "a column of categories",
    "text": "text",
    "date": "a column of dates",
    "image": "a column of pictures",
    "audio": "a column of sounds",
    "conversation": "a column of conversations",
    "spans": "a column of tokens with tags",
    "answers": "a column of answers",
    "boxes": "a column of boxes",
}
_NUMERIC = ("tabular-regression", "text-regression", "text-similarity")
"""Tasks whose target is a number rather than a class."""
_FEWEST_GROUPS = 20
"""With fewer groups than this, holding some of them out would leave too much to chance."""


def roles_for(description: Description, task: str) -> dict[str, list[str]]:
    """Columns for each role of a task; a role without a fitting column is left out."""
    if task.startswith("tabular-"):
        return table_roles(description, best_target(description, classes=task not in _NUMERIC))
    chosen: dict[str, list[str]] = {}
    for role in TASKS[task].roles:
        taken = {name for names in chosen.values() for name in names}
        names = [column.name for column in _likely(description, role) if column.name not in taken]
        if names:
            chosen[role.key] = names if role.many else names[:1]
    return chosen


def usual_split(description: Description, task: str, roles: Mapping[str, Sequence[str]]) -> Split:
    """How the data is divided unless somebody says otherwise.

    At random; where the task knows what belongs together, such as the questions about one text, and the files bring no
    part of their own, by group.
    """
    names = roles.get(TASKS[task].grouped_by, [])
    column = next((column for column in description.columns if column.name in names), None)
    if column is None or {"test", "val"} & set(description.parts):
        return Split()
    if not _FEWEST_GROUPS <= column.unique < description.rows:
        return Split()
    return Split(how="group", column=column.name)


def without_divider(task: str, roles: Mapping[str, Sequence[str]], split: Split) -> dict[str, list[str]]:
    """The roles without the column that the rows are divided by: learnt from, it would give its group away.

    What a role cannot do without stays, such as the text that questions are about.
    """
    many = {role.key for role in TASKS[task].roles if role.many}
    return {key: [name for name in names if key not in many or name != split.set_apart] for key, names in roles.items()}


def check_division(task: str, roles: Mapping[str, Sequence[str]], split: Split) -> None:
    """Raise TrainingError where the rows are divided by the column to predict, or by one of those learnt from."""
    for role in TASKS[task].roles:
        if split.set_apart in roles.get(role.key, []) and (role.many or role.key == "target"):
            raise _refusal(
                f"“{split.set_apart}” divides the rows, so it cannot be “{role.title}” too.",
                f"Take it out of “{role.title}”, or divide by another column.",
            )


def table_roles(description: Description, target: Column | None) -> dict[str, list[str]]:
    """A target and all columns that something general can be learnt from; texts, pictures, sounds beside others."""
    if target is None:
        return {}
    columns = [column for column in description.columns if column is not target]
    plain = [column for column in columns if can_be_feature(column, description.rows)]
    files = ("image", "audio")
    features = [c.name for c in columns if c in plain or c.type in files or is_long_text(c)] if plain else []
    return {"target": [target.name]} | ({"features": features} if features else {})


def best_target(description: Description, *, classes: bool) -> Column | None:
    """The column that looks most like the one to predict."""
    ranked = rank_targets(description, classes=classes)
    return ranked[0] if ranked else None


def rank_targets(description: Description, *, classes: bool) -> list[Column]:
    """The columns that can be predicted as a class (or a number, codes last), the likeliest first."""

    def place(column: Column) -> tuple[bool, float]:
        return not classes and has_few_codes(column), -result_score(column, description, classes=classes)

    possible = [column for column in description.columns if can_be_target(column, description.rows, classes=classes)]
    return sorted(possible, key=place)


def check_roles(description: Description, task: str, roles: Mapping[str, Sequence[str]]) -> None:
    """Raise TrainingError with a sentence and a next step where the task cannot be learnt from these columns."""
    columns = {column.name: column for column in description.columns}
    for role in TASKS[task].roles:
        names = roles.get(role.key, [])
        if not names:
            raise _refusal(f"No column is chosen for “{role.title}”.", _choose(_likely(description, role)))
        if len(names) > 1 and not role.many:
            raise _refusal(f"“{role.title}” takes one column, not {len(names)}.", "Keep one of them.")
        for name in names:
            if name not in columns:
                raise _refusal(f"There is no column “{name}”.", f"Choose one of: {_listed(list(columns))}.")
            _check_column(description, task, role, columns[name])
        if role.key == "target" and role.many:
            _check_labels(description, [columns[name] for name in names])
    _refuse_twice(task, roles)


def _check_column(description: Description, task: str, role: Role, column: Column) -> None:
    if column.missing == description.rows:
        raise _refusal(f"“{column.name}” is empty.", "Choose another column.")
    if role.key == "target" and task in _NUMERIC:
        return _check_number(description, column)
    if role.key == "target" and predicts_classes(role):
        return _check_classes(description, column)
    if column.type not in role.types:
        fitting = [other for other in description.columns if other.type in role.types]
        raise _refusal(f"“{column.name}” is {_KINDS[column.type]}, which “{role.title}” cannot use.", _choose(fitting))
    return None


def _check_number(description: Description, column: Column) -> None:
    numbers = rank_targets(description, classes=False)
    if column.type != "number":
        raise _refusal(
            f"“{column.name}” is {_KINDS[column.type]}; what is predicted here must be a number.", _choose(numbers)
        )
    if column.unique < 2:
        raise _refusal(f"“{column.name}” has the same value everywhere.", _choose(numbers))


def _check_classes(description: Description, column: Column) -> None:
    others = _choose(rank_targets(description, classes=True))
    if column.unique < 2:
        raise _refusal(f"“{column.name}” has one class only, so there is nothing to tell apart.", others)
    if column.type == "number" and not can_be_classes(column):
        raise _refusal(
            f"“{column.name}” is a number with {column.unique:,} different values, too many for classes.",
            f"Choose the task “{TASKS['tabular-regression'].title}”, or another column.",
        )
    if column.type not in ("category", "boolean", "number"):
        raise _refusal(
            f"“{column.name}” is {_KINDS[column.type]} with {column.unique:,} different values, not classes.", others
        )
    for label in rare_classes(column):
        raise _refusal(
            f"The class “{label}” of “{column.name}” has one example; at least two are needed.",
            "Remove that row or add examples, or choose another column.",
        )


def _check_labels(description: Description, chosen: Sequence[Column]) -> None:
    """Several columns say yes or no each; one alone names several labels in a cell."""
    if len(chosen) > 1:
        for column in chosen:
            if not is_flag(column):
                flags = [other for other in description.columns if is_flag(other)]
                raise _refusal(f"“{column.name}” does not say yes or no (1 or 0).", _choose(flags))
    elif is_flag(chosen[0]):
        raise _refusal(f"“{chosen[0].name}” alone is one label.", "Choose more columns that say yes or no.")
    elif chosen[0].type == "number" or ("top" in chosen[0].stats and not labels_of(chosen[0])):
        raise _refusal(
            f"The cells of “{chosen[0].name}” name one label each.",
            f"Choose the task “{TASKS['text-classification'].title}”, or a column such as “red; blue”.",
        )


def check_parts(counts: Mapping[str, int]) -> None:
    """Raise TrainingError where a division leaves no example to learn from, or none to judge by."""
    if not (counts["train"] and counts["test"]):
        raise TrainingError(
            f"There are too few examples: {counts['train']:,} to learn from, {counts['test']:,} held out.",
            "Add rows, or change the held-out share.",
            code="too_few_rows",
        )


def rare_classes(column: Column) -> list[str]:
    """The classes with a single example."""
    rarest = column.stats.get("rarest")
    entries = rarest if isinstance(rarest, list) else []
    return [str(entry["value"]) for entry in entries if isinstance(entry, dict) and entry["count"] == 1]


def _refuse_twice(task: str, roles: Mapping[str, Sequence[str]]) -> None:
    used: dict[str, str] = {}
    for role in TASKS[task].roles:
        for name in roles.get(role.key, []):
            if name in used:
                raise _refusal(f"“{name}” cannot be both “{used[name]}” and “{role.title}”.", "Take it out of one.")
            used[name] = role.title


def predicts_classes(role: Role) -> bool:
    """Whether the role is that of a column of classes, rather than of texts, numbers or structures."""
    return "category" in role.types and "text" not in role.types


def _likely(description: Description, role: Role) -> list[Column]:
    """The columns that fit a role, the likeliest first; where several may have it, all the likely ones in order."""
    if role.key == "target" and role.many:
        return label_columns(description)
    if role.key == "target" and (predicts_classes(role) or "number" in role.types):
        return [c for c in rank_targets(description, classes=predicts_classes(role)) if c.type in role.types]
    fitting = [c for c in description.columns if c.type in role.types and c.missing < description.rows]
    if called := [column for column in fitting if column.name.lower() in (role.key, f"{role.key}s")]:
        return called
    if role.key in ("source", "target"):  # a translation follows its original
        return sorted(fitting, key=description.columns.index, reverse=role.key == "target")
    conversations = [column for column in fitting if column.type == "conversation"]
    likely = conversations or [column for column in fitting if is_long_text(column)] or fitting
    if role.key in ("first", "second"):  # the question stands before its answer
        return sorted(likely, key=description.columns.index)
    return likely if role.many else sorted(likely, key=text_length, reverse=True)


def _choose(columns: Sequence[Column]) -> str:
    if not columns:
        return "Upload data that has such a column."
    return f"Choose {_listed([column.name for column in columns])}."


def _listed(names: list[str]) -> str:
    return ", ".join(names[:6]) + (f" or one of {len(names) - 6} more" if len(names) > 6 else "")


def _refusal(message: str, hint: str) -> TrainingError:
    return TrainingError(message, hint, code="bad_roles")
