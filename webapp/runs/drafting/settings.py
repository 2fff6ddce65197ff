"""Every setting of a run in the making, as forms that begin with what the preset proposes."""

from __future__ import annotations

from functools import cached_property

from django.forms.boundfield import BoundField
from django.http import QueryDict
from django.utils.translation import gettext as _

from training.architectures import ARCHITECTURES
from training.spec import TrainSpec, heeded_fields
from training.tasks import TASKS
from webapp.core.settings_form import SettingsForm
from webapp.pretrained.services import models_for
from webapp.pretrained.sources import refusal_of
from webapp.projects.models import Membership
from webapp.runs.drafting.choices import RECIPE_GROUPS, FieldGroup
from webapp.runs.drafting.columns import DraftColumns
from webapp.runs.drafting.division import SplitForm


class DraftSettings:
    """The forms of network, recipe and split, bound to the page's query or its form."""

    def __init__(
        self, proposal: TrainSpec, *, member: Membership, data: QueryDict, columns: DraftColumns, crossed: int
    ) -> None:
        self.proposal = proposal
        self.member = member
        self.architecture = ARCHITECTURES[proposal.architecture]
        self.task = TASKS[proposal.task]
        self.network = self._network_form(data)
        self.recipe = SettingsForm(proposal.recipe, data, prefix="recipe")
        self.split = SplitForm(
            columns.usual_split, data, description=columns.description, target=columns.target, crossed=crossed
        )
        self.forms: tuple[SettingsForm, ...] = (self.network, self.recipe, self.split)

    def _network_form(self, data: QueryDict) -> SettingsForm:
        network = self.proposal.network()
        form = SettingsForm(network, data, prefix=self.proposal.architecture)
        form.suggest("source", models_for(type(network), self.member.project))
        if form.is_valid() and (refusal := refusal_of(getattr(form.settings, "source", ""), self.member)):
            form.add_error("source", refusal)
        return form

    @cached_property
    def spec(self) -> TrainSpec | None:
        """The proposal with what the person changed; None while something is wrong."""
        if not all(form.is_valid() for form in self.forms):
            return None
        network, recipe, split = (form.settings for form in self.forms)
        update = {"settings": network.model_dump(mode="json"), "recipe": recipe, "split": split}
        return self.proposal.model_copy(update=update)

    @property
    def simple_fields(self) -> list[BoundField]:
        """At most two settings of the architecture that everybody may care about."""
        return self.network.pick(self._simple_names)

    @property
    def _simple_names(self) -> tuple[str, ...]:
        return self.architecture.simple[:2]

    @property
    def advanced_groups(self) -> list[FieldGroup]:
        """Every other setting, by what it is about."""
        named = [name for _title, names in RECIPE_GROUPS for name in names]
        groups = [FieldGroup(self.architecture.title, self.network.leave_out(self._simple_names))]
        groups += [FieldGroup(str(title), self._heeded(self.recipe.pick(names))) for title, names in RECIPE_GROUPS]
        groups.append(FieldGroup(_("More of the training"), self._heeded(self.recipe.leave_out(named))))
        groups.append(FieldGroup(_("Held-out data"), self.split.counting()))
        return [group for group in groups if group.fields]

    def _heeded(self, fields: list[BoundField]) -> list[BoundField]:
        """Without the fields of the recipe that nobody reads, or that make no sense for the task."""
        read = heeded_fields(self.task, self.architecture)
        return [field for field in fields if field.name in read]

    @property
    def has_errors(self) -> bool:
        return any(form.errors for form in self.forms)

    @property
    def general_errors(self) -> list[str]:
        """What is wrong with settings that do not go together."""
        return [str(sentence) for form in self.forms for sentence in form.non_field_errors()]

    @property
    def changed_count(self) -> int:
        return sum(len(form.changed) for form in self.forms if form.is_valid())
