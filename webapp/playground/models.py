"""Conversations with a model."""

from django.conf import settings
from django.db import models

from webapp.runs.models import Run


class Chat(models.Model):
    """One person's conversation with one run's model."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="chats")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="chats")
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"{self.owner} with {self.run}"


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
    """Temperature, top-p, most tokens."""
    error = models.JSONField(default=dict)
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return self.text[:60]
