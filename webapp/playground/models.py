"""Conversations with a model."""

from __future__ import annotations

from django.conf import settings
from django.db import models

from webapp.projects.models import User
from webapp.runs.models import Run


class ChatQuerySet(models.QuerySet["Chat"]):
    """Chats by whose they are: nobody reads another person's."""

    def of(self, user: User) -> ChatQuerySet:
        return self.filter(owner=user)


class Chat(models.Model):
    """One person's conversation with one model: a run's, or a pretrained one that a package ships."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="chats", null=True)
    source = models.CharField(max_length=100, blank=True)
    """The pretrained model's name when there is no run."""
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chats")
    created = models.DateTimeField(auto_now_add=True)

    objects = ChatQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"{self.owner} with {self.run or self.source}"


class Turn(models.Model):
    """What was said: by the person, or the model's reply."""

    class Speaker(models.TextChoices):
        USER = "user", "You"
        ASSISTANT = "assistant", "Model"

    class Status(models.TextChoices):
        WAITING = "waiting", "Waiting"
        WRITING = "writing", "Writing"
        DONE = "done", "Done"
        STOPPED = "stopped", "Stopped"
        FAILED = "failed", "Failed"

    chat = models.ForeignKey(Chat, on_delete=models.CASCADE, related_name="turns")
    speaker = models.CharField(max_length=10, choices=Speaker.choices)
    text = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.DONE)
    options = models.JSONField(default=dict)
    """How freely the model writes: `training.language.sampling.Sampling` as JSON."""
    ending = models.JSONField(default=dict)
    """{tokens, seconds, reason} of a finished reply, or {message, hint} of a failed one."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text[:60]

    @property
    def is_open(self) -> bool:
        return self.status in (self.Status.WAITING, self.Status.WRITING)
