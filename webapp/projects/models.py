"""People, the projects they share, and what was done to who can see what."""

from __future__ import annotations

from django.contrib.auth.models import AbstractUser
from django.db import models
from django.urls import reverse
from django.utils.translation import gettext_lazy as _
from knox.models import AbstractAuthToken


class User(AbstractUser):  # type: ignore[django-manager-missing]
    """A person who logs in."""


class ProjectQuerySet(models.QuerySet["Project"]):
    """Projects by who may do what."""

    def visible_to(self, user: User) -> ProjectQuerySet:
        return self.filter(memberships__user=user)


class Project(models.Model):
    """The room a team shares: its data sets, runs and demos."""

    name = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True)
    tried = models.DateTimeField(null=True, editable=False)
    """When somebody first tried a model; until then Home shows the first steps."""
    members = models.ManyToManyField(User, through="Membership", related_name="projects")

    objects = ProjectQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("project", args=[self.pk])


class Role(models.TextChoices):
    """What a member may do: everything, everything but people, or only look."""

    OWNER = "owner", _("Owner")
    EDITOR = "editor", _("Editor")
    VIEWER = "viewer", _("Viewer")


EDITORS = (Role.OWNER, Role.EDITOR)


class Membership(models.Model):
    """One person in one project."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["project", "user"], name="one_membership_per_person")]

    def __str__(self) -> str:
        return f"{self.user} in {self.project} ({self.role})"

    @property
    def can_edit(self) -> bool:
        return self.role in EDITORS

    @property
    def is_owner(self) -> bool:
        return self.role == Role.OWNER


class AuditEntry(models.Model):
    """Who changed who can see what; never edited."""

    class Action(models.TextChoices):
        CREATED = "created", _("made the project")
        RENAMED = "renamed", _("renamed")
        ADDED = "added", _("let in")
        ROLE = "role", _("changed the role of")
        REMOVED = "removed", _("took out")
        LEFT = "left", _("gave up the seat of")
        INVITED = "invited", _("invited")
        WITHDRAWN = "withdrawn", _("withdrew the invitation of")
        JOINED = "joined", _("followed an invitation:")
        TOKEN_MADE = "token_made", _("made the token")
        TOKEN_REVOKED = "token_revoked", _("revoked the token")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="audit", null=True)
    actor = models.ForeignKey(User, on_delete=models.SET_NULL, related_name="+", null=True)
    action = models.CharField(max_length=20, choices=Action.choices)
    subject = models.CharField(max_length=200)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"{self.actor}: {self.action} {self.subject}"


class Invitation(models.Model):
    """A seat in a project for somebody who has no account yet; the link to it is signed, not stored."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.EDITOR)
    email = models.EmailField()
    invited_by = models.ForeignKey(User, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["created", "pk"]
        constraints = [models.UniqueConstraint(fields=["project", "email"], name="one_invitation_per_address")]

    def __str__(self) -> str:
        return f"{self.email} to {self.project}"


class Token(AbstractAuthToken):  # type: ignore[misc]
    """A key for programs; only its hash is kept."""

    name = models.CharField(max_length=80)
    last_used = models.DateTimeField(null=True)

    class Meta:
        ordering = ["-created"]

    def __str__(self) -> str:
        return self.name
