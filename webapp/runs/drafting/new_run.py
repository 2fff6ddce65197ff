"""The new run page: what is chosen so far, what is proposed for the rest, and what is missing."""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cached_property
from inspect import getdoc
from typing import Any

from django.http import QueryDict
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from training.architectures import Architecture, architectures_for
from training.data.schema import Description, Proposal
from training.errors import TrainingError
from training.recipes import PRESETS, Preset
from training.spec import Split, TrainSpec
from training.tasks import TASKS, Role, Task
from webapp.core.errors import UserError
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.projects.models import Membership
from webapp.runs import services
from webapp.runs.drafting.choices import (
    PRESET_WORDS,
    ArchitectureCard,
    Missing,
    RoleChoice,
    TaskChoice,
    can_fill,
    wrong_fields,
)
from webapp.runs.drafting.columns import DraftColumns
from webapp.runs.drafting.division import division_words
from webapp.runs.drafting.settings import DraftSettings
from webapp.runs.folds import services as folds
from webapp.runs.models import Run

MOST_STARTS = 50


class NewRun:
    """A run in the making, from the page's query or its form; each choice rests on the ones before it."""

    def __init__(self, *, member: Membership, data: QueryDict) -> None:
        self.member = member
        self.data = data

    @cached_property
    def datasets(self) -> list[Dataset]:
        """The project's data sets that can be learnt from and are not archived, newest first."""
        return list(self.member.project.datasets.filter(status=Dataset.Status.READY, archived=None))

    @cached_property
    def dataset(self) -> Dataset | None:
        """The data set asked for, else the newest."""
        asked = self.data.get("dataset", "")
        named = next((dataset for dataset in self.datasets if str(dataset.pk) == asked), None)
        return named or (self.datasets[0] if self.datasets else None)

    @cached_property
    def version(self) -> DatasetVersion | None:
        return self.dataset.latest if self.dataset else None

    @cached_property
    def description(self) -> Description | None:
        return self.version.describe() if self.version else None

    @cached_property
    def tasks(self) -> list[TaskChoice]:
        """All tasks: the proposed ones first, those that the data cannot serve last."""
        if self.description is None:
            return []
        proposals = {proposal.task: proposal for proposal in reversed(self.description.proposals)}
        ranks = {proposal.task: rank for rank, proposal in reversed(list(enumerate(self.description.proposals)))}
        choices = [self._task_choice(task, proposals.get(key), self.description) for key, task in TASKS.items()]
        return sorted(choices, key=lambda choice: (ranks.get(choice.key, len(ranks)), not choice.fits))

    def _task_choice(self, task: type[Task], proposal: Proposal | None, description: Description) -> TaskChoice:
        fits = proposal is not None or can_fill(task, description)
        return TaskChoice(task.key, task.title, getdoc(task) or "", proposal, fits, task is self.task)

    @property
    def likely_tasks(self) -> list[TaskChoice]:
        """The proposed tasks, and the one that is chosen."""
        return [choice for choice in self.tasks if choice.proposal or choice.chosen]

    @property
    def other_tasks(self) -> list[TaskChoice]:
        return [choice for choice in self.tasks if not (choice.proposal or choice.chosen)]

    @cached_property
    def task(self) -> type[Task] | None:
        """The task asked for, else the first proposal."""
        if self.description is None:
            return None
        if (asked := self.data.get("task", "")) in TASKS:
            return TASKS[asked]
        return TASKS[self.description.proposals[0].task] if self.description.proposals else None

    @cached_property
    def columns(self) -> DraftColumns | None:
        """What the columns are for; None while nothing can be learnt."""
        return DraftColumns(self.description, self.task, self.data) if self.description and self.task else None

    @cached_property
    def roles(self) -> list[RoleChoice]:
        if self.task is None or self.columns is None:
            return []
        return [self._role(role, self.columns) for role in self.task.roles]

    def _role(self, role: Role, columns: DraftColumns) -> RoleChoice:
        proposed = self._proposed_roles.get(role.key, [])
        fitting = [column for column in columns.description.columns if column.type in role.types]
        divider = columns.divided.set_apart if role.many else ""
        taken = self._taken(columns) | {divider} if role.many else set()
        return RoleChoice(
            role,
            [column for column in fitting if column.name not in taken],
            columns.asked.get(role.key) or proposed,
            proposed,
            set_apart=divider if divider in {column.name for column in fitting} else "",
        )

    def _taken(self, columns: DraftColumns) -> set[str]:
        """Columns whose role takes one column."""
        roles = self._proposed_roles | columns.asked
        return {name for role in self._single_roles for name in roles.get(role.key, [])}

    @cached_property
    def _proposed_roles(self) -> dict[str, list[str]]:
        """What stands in the dropdowns if the person leaves them alone."""
        asked = self.columns.asked if self.columns else {}
        single = {role.key: asked[role.key] for role in self._single_roles if role.key in asked}
        try:
            return self._propose(roles=single).roles
        except (UserError, TrainingError):
            return next((p.roles for p in self._proposals if p.task == (self.task and self.task.key)), {})

    @property
    def _single_roles(self) -> list[Role]:
        return [role for role in self.task.roles if not role.many] if self.task else []

    @property
    def _proposals(self) -> list[Proposal]:
        return self.description.proposals if self.description else []

    @cached_property
    def architecture(self) -> type[Architecture] | None:
        """The architecture asked for, else the one recommended for these columns, else the simplest."""
        if self.task is None:
            return None
        offered = {architecture.key: architecture for architecture in architectures_for(self.task.key)}
        keys = [self.data.get("architecture", ""), self._recommended, *offered]
        return next((offered[key] for key in keys if key in offered), None)

    @cached_property
    def _recommended(self) -> str:
        if self.version is None or self.columns is None:
            return ""
        return services.recommended_architecture(self.version, self.columns.task.key, self.columns.asked, self.preset)

    @cached_property
    def preset(self) -> Preset:
        return next((preset for preset in PRESETS if preset == self.data.get("preset")), "balanced")

    @property
    def presets(self) -> list[tuple[Preset, Promise, Promise]]:
        return [(preset, *words) for preset, words in PRESET_WORDS.items()]

    @property
    def name(self) -> str:
        return self.data.get("name", "").strip()[:120]

    @cached_property
    def proposal(self) -> TrainSpec | None:
        """The preset's spec for the chosen data, task and architecture; None while something is missing."""
        if self.columns is None or self.architecture is None or any(not choice.chosen for choice in self.roles):
            return None
        try:
            return self._propose(roles=self.columns.asked)
        except (UserError, TrainingError) as error:
            self._refusal = error
            return None

    _refusal: UserError | TrainingError | None = None

    def _propose(self, *, roles: dict[str, list[str]], architecture: type[Architecture] | None = None) -> TrainSpec:
        assert self.version and self.columns
        chosen, divided = architecture or self.architecture, self.columns.divided
        return services.propose_spec(
            self.version,
            task=self.columns.task.key,
            roles=roles,
            architecture=chosen.key if chosen else None,
            split={"how": divided.how, "column": divided.column} if divided.set_apart else None,
            preset=self.preset,
            start_from=self.start_from.pk if self.start_from and chosen is self.architecture else None,
        )

    @cached_property
    def starting_points(self) -> list[Run]:
        """Earlier runs whose weights this one could go on from."""
        if self.version is None or self.task is None or self.architecture is None:
            return []
        return list(services.starting_points(self.version, self.task.key, self.architecture.key)[:MOST_STARTS])

    @property
    def start_from(self) -> Run | None:
        """The one that was chosen; None for fresh weights."""
        return next((run for run in self.starting_points if str(run.pk) == self.data.get("start_from", "")), None)

    @cached_property
    def settings(self) -> DraftSettings | None:
        """Every setting, to begin with as the preset proposes; None while it cannot propose."""
        if self.proposal is None or self.columns is None:
            return None
        return DraftSettings(
            self.proposal, member=self.member, data=self.data, columns=self.columns, crossed=self.folds
        )

    @property
    def spec(self) -> TrainSpec | None:
        """The spec that Start would freeze; None while something is missing or wrong."""
        return self.settings.spec if self.settings else None

    @cached_property
    def folds(self) -> int:
        """Runs that are started together, one per fold; 0 for a single run."""
        asked = self.data.get("folds", "")
        return 0 if self.why_no_folds or asked not in map(str, folds.OFFERED) else int(asked)

    @property
    def folds_offered(self) -> tuple[int, ...]:
        return folds.OFFERED

    @cached_property
    def why_no_folds(self) -> str:
        """The reason why cross-validation cannot be chosen; empty if it can."""
        if self.proposal is None or self.columns is None:
            return _("Choose data and task first.")
        how = self.data.get("split-how") or self.columns.usual_split.how
        return folds.why_no_folds(self.columns.description, self.proposal.split.model_copy(update={"how": how}))

    @property
    def split_note(self) -> str:
        """How the examples are divided, unless by nothing but chance."""
        return division_words(self.spec.split, has_target="target" in self.spec.roles) if self.spec else ""

    @property
    def held_out_percent(self) -> str:
        """The share of the examples that judges the result, as the split says."""
        split = self.spec.split if self.spec else Split()
        return f"{100 / split.folds if split.folds else 100 * split.test:.3g}"

    @property
    def remedy_fields(self) -> str:
        """The form fields that the estimate's remedy changes, as JSON for the button."""
        remedy = (self.estimate or {}).get("remedy") or {}
        return json.dumps({f"recipe-{name}": value for name, value in remedy.get("changes", {}).items()})

    @cached_property
    def rows(self) -> dict[str, int] | TrainingError | None:
        """Examples per part, counted, or why they cannot be divided so; None while something is missing."""
        if self.spec is None or self.version is None:
            return None
        try:
            return services.count_rows(self.spec, self.version)
        except TrainingError as error:
            return error

    @cached_property
    def estimate(self) -> dict[str, Any] | None:
        """Time, memory and disk with a verdict, for a complete spec."""
        if self.spec is None or self.version is None or not isinstance(self.rows, dict):
            return None
        return services.estimate(self.spec, self.version) | {"rows": self.rows}

    @property
    def seconds_together(self) -> float:
        """What the runs of all folds take one after another."""
        return float(self.estimate["seconds"]) * (self.folds or 1) if self.estimate else 0.0

    @cached_property
    def cards(self) -> list[ArchitectureCard]:
        """The architectures that can learn the task, simplest first."""
        return [self._card(architecture) for architecture in architectures_for(self.task.key)] if self.task else []

    def _card(self, architecture: type[Architecture]) -> ArchitectureCard:
        assert self.task
        chosen = architecture is self.architecture
        recommended = architecture.key == self._recommended
        return ArchitectureCard(
            architecture.key,
            architecture.title,
            getdoc(architecture) or "",
            architecture.good_for,
            recommended,
            chosen,
            self._rough_estimate(architecture),
        )

    def _rough_estimate(self, architecture: type[Architecture]) -> dict[str, Any] | None:
        if self.proposal is None or self.version is None:
            return None
        try:
            return services.estimate(self._propose(roles=self.proposal.roles, architecture=architecture), self.version)
        except (UserError, TrainingError):
            return None

    @cached_property
    def missing(self) -> list[Missing]:
        """What stands between the person and Start, in the page's order."""
        return list(self._missing())

    def _missing(self) -> Iterable[Missing]:
        if self.dataset is None:
            yield Missing(_("Bring data first"), _("There is no data set in this project yet."), "box-data")
            return
        if self.task is None:
            yield Missing(_("Choose what to learn"), _("Say what the model should learn."), "box-task")
            return
        for choice in self.roles:
            if not choice.chosen:
                title = choice.role.title
                text = _("No column is chosen for “%(role)s”.") % {"role": title}
                yield Missing(_("Choose a column: %(role)s") % {"role": title}, text, f"role-{choice.role.key}")
        if self.architecture is None:
            text = _("No architecture can learn this yet. Choose another task.")
            yield Missing(_("Choose another task"), text, "box-task")
        if self.proposal is None and self._refusal:
            yield Missing(_("Check the data"), f"{self._refusal.message} {self._refusal.hint}".strip(), "box-data")
        for form in self.settings.forms if self.settings else ():
            yield from wrong_fields(form)
        if isinstance(self.rows, TrainingError):
            yield Missing(_("Divide it otherwise"), f"{self.rows.message} {self.rows.hint}", "id_split-how")
