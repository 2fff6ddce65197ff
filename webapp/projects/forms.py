"""What people fill in about projects, people and tokens."""

from django import forms
from django.utils.translation import gettext_lazy as _

from webapp.projects.models import Role


class ProjectForm(forms.Form):
    """A project's name."""

    name = forms.CharField(label=_("Name"), max_length=80)


class PersonForm(forms.Form):
    """Whom to let in, and what they may do."""

    person = forms.CharField(label=_("User name or e-mail"), max_length=254)
    role = forms.ChoiceField(label=_("Role"), choices=Role.choices, initial=Role.EDITOR)


class RoleForm(forms.Form):
    """What a member may do."""

    role = forms.ChoiceField(label=_("Role"), choices=Role.choices)


class TokenForm(forms.Form):
    """What a token is for."""

    name = forms.CharField(label=_("What it is for"), max_length=80)
