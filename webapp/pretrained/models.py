"""Pretrained models that a project has brought to start from."""

from __future__ import annotations

from pathlib import Path

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from training.pretrained.packaged import OWN, own_folder
from webapp.projects.models import EDITORS, Project, User


class OwnModelQuerySet(models.QuerySet["OwnModel"]):
    """Models by who may do what."""

    def visible_to(self, user: User) -> OwnModelQuerySet:
        return self.filter(project__memberships__user=user)

    def editable_by(self, user: User) -> OwnModelQuerySet:
        return self.filter(project__memberships__user=user, project__memberships__role__in=EDITORS)


class OwnModel(models.Model):
    """A Hugging Face folder of safetensors that somebody uploaded."""

    class Kind(models.TextChoices):
        CAUSAL = "causal", _("writes on")
        ENCODER = "encoder", _("reads texts")
        SEQ2SEQ = "seq2seq", _("turns a text into another")
        VISION = "vision", _("sees")
        AUDIO = "audio", _("hears")
        DETECTION = "detection", _("finds things in pictures")

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="own_models")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    key = models.CharField(max_length=100, unique=True)
    """The name of its folder; ends in letters that nobody guesses."""
    kind = models.CharField(max_length=10, choices=Kind.choices)
    model_type = models.CharField(max_length=60)
    """The family, as its config.json says it: gpt2, bert, wav2vec2."""
    parameters = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    objects = OwnModelQuerySet.as_manager()

    class Meta:
        ordering = ["name", "pk"]

    def __str__(self) -> str:
        return self.name

    @property
    def source(self) -> str:
        """How settings name it."""
        return OWN + self.key

    @property
    def folder(self) -> Path:
        """Where it lies, on every machine that trains or answers."""
        return own_folder(self.key)
