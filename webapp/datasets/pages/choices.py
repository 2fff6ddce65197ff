"""What the person wants to learn from a data set: a task, and a role for each column that takes part."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from inspect import getdoc
from typing import Literal, Self
from urllib.parse import urlencode

from django.http import QueryDict

from training.data.roles import check_roles, roles_for, without_divider
from training.data.schema import Column, Description
from training.errors import TrainingError
from training.spec import Split
from training.tasks import TASKS, Role, Task

MOST_IN_ADDRESS = 200
"""With more columns than this only the roles that take one column are written into an address."""


@dataclass(frozen=True)
class Choice:
    """A task with its roles, and in words whether they make sense."""

    task: type[Task]
    roles: dict[str, list[str]]
    state: Literal["good", "check", "choose"]
    reason: str
    hint: str = ""

    @classmethod
    def of(cls, description: Description, task: type[Task], roles: dict[str, list[str]]) -> Self:
        """Judge a choice; what equals a proposal keeps the proposal's words."""
        for proposal in description.proposals:
            if proposal.task == task.key and proposal.roles == roles:
                return cls(task, roles, proposal.state, proposal.reason)
        try:
            check_roles(description, task.key, roles)
        except TrainingError as error:
            return cls(task, roles, "choose", error.message, error.hint)
        return cls(task, roles, "good", getdoc(task) or "")

    @property
    def lacks(self) -> Role | None:
        """The first role that has no column yet."""
        return next((role for role in self.task.roles if not self.roles.get(role.key)), None)

    def role_of(self, column: str) -> Role | None:
        """What the column is for, if it takes part."""
        return next((role for role in self.task.roles if column in self.roles.get(role.key, [])), None)

    def divided(self, description: Description, split: Split) -> Self:
        """Without the column that the rows are divided by, where it is one of several that are learnt from."""
        roles = without_divider(self.task.key, self.roles, split)
        if roles == self.roles:
            return self
        judged = type(self).of(description, self.task, roles)
        return judged if judged.state == "choose" else replace(self, roles=roles)

    def query(self) -> str:
        """The choice as a query string for *New run*: `task`, and `role.<key>` for each column."""
        small = sum(map(len, self.roles.values())) <= MOST_IN_ADDRESS
        pairs = [
            (f"role.{role.key}", column)
            for role in self.task.roles
            if small or not role.many
            for column in self.roles.get(role.key, [])
        ]
        return urlencode([("task", self.task.key), *pairs])


def possible_tasks(description: Description) -> list[type[Task]]:
    """The tasks for which the data has a column for every role, the proposed ones first."""
    proposed = [proposal.task for proposal in description.proposals]
    possible = [task for task in TASKS.values() if task.key in proposed or _can_fill(description, task)]
    return sorted(possible, key=lambda task: proposed.index(task.key) if task.key in proposed else len(proposed))


def read_choice(description: Description, query: QueryDict, *, changed: str = "") -> Choice | None:
    """The choice that a query string describes: `task`, and `use.<column number>` for columns that differ.

    `changed` names the field that was touched last: of two columns in a role for one, it wins, and another task begins
    with its own proposal. None if nothing can be learnt from the data.
    """
    tasks = {task.key: task for task in possible_tasks(description)}
    if not tasks:
        return None
    task = tasks.get(query.get("task", ""), next(iter(tasks.values())))
    roles = {key: list(columns) for key, columns in roles_for(description, task.key).items()}
    for number, key in _touched(query, len(description.columns)).items() if changed != "task" else ():
        _assign(task, roles, description.columns[number], key)
    if (winner := _number(changed)) is not None and winner < len(description.columns):
        _settle(task, roles, description.columns[winner])
    return Choice.of(description, task, _in_order(description, roles))


def differences(description: Description, choice: Choice) -> dict[int, str]:
    """By column number, the roles that are not what would be proposed for the task."""
    proposed = roles_for(description, choice.task.key)
    found = {}
    for number, column in enumerate(description.columns):
        role = choice.role_of(column.name)
        key = role.key if role else ""
        if key != next((known for known, columns in proposed.items() if column.name in columns), ""):
            found[number] = key
    return found


def fitting_roles(task: type[Task], column: Column) -> list[Role]:
    """What a column of this type may be used for."""
    return [role for role in task.roles if column.type in role.types]


def _can_fill(description: Description, task: type[Task]) -> bool:
    return all(any(column.type in role.types for column in description.columns) for role in task.roles)


def _touched(query: Mapping[str, str], columns: int) -> dict[int, str]:
    numbers = ((_number(name), name) for name in query)
    return {number: query[name] for number, name in numbers if number is not None and number < columns}


def _number(field: str) -> int | None:
    """The column number in "use.<number>"."""
    name, _dot, digits = field.partition(".")
    return int(digits) if name == "use" and digits.isdecimal() else None


def _assign(task: type[Task], roles: dict[str, list[str]], column: Column, key: str) -> None:
    for columns in roles.values():
        if column.name in columns:
            columns.remove(column.name)
    if key in {role.key for role in fitting_roles(task, column)}:
        roles.setdefault(key, []).append(column.name)


def _settle(task: type[Task], roles: dict[str, list[str]], winner: Column) -> None:
    """Give the columns that lost a role for one to the touched column another role."""
    for role in task.roles:
        columns = roles.get(role.key, [])
        if role.many or winner.name not in columns:
            continue
        roles[role.key] = [winner.name]
        others = [other.key for other in task.roles if other.many]
        for name in columns:
            if name != winner.name and others:
                roles.setdefault(others[0], []).append(name)


def _in_order(description: Description, roles: dict[str, list[str]]) -> dict[str, list[str]]:
    places = {column.name: number for number, column in enumerate(description.columns)}
    return {key: sorted(columns, key=places.__getitem__) for key, columns in roles.items() if columns}
