"""Runs, the curves they draw and the notes they leave. Nothing here acts: see lifecycle.py."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.urls import reverse

from training.spec import TrainSpec
from webapp.datasets.models import DatasetVersion
from webapp.projects.models import EDITORS, Project, User


class RunQuerySet(models.QuerySet["Run"]):
    """Runs by who may do what, and by state."""

    def visible_to(self, user: User) -> RunQuerySet:
        return self.filter(project__memberships__user=user)

    def editable_by(self, user: User) -> RunQuerySet:
        return self.filter(project__memberships__user=user, project__memberships__role__in=EDITORS)

    def waiting(self) -> RunQuerySet:
        """The queue, first come first served."""
        return self.filter(status=Run.Status.QUEUED).order_by("queued", "pk")


class CrossValidation(models.Model):
    """One choice trained once per fold: each run learns from all folds but the one that judges it."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="cross_validations")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    folds = models.PositiveSmallIntegerField()
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("cross-validation", args=[self.pk])


class Run(models.Model):
    """One training."""

    class Status(models.TextChoices):
        QUEUED = "queued", "Queued"
        RUNNING = "running", "Running"
        STOPPING = "stopping", "Stopping"
        STOPPED = "stopped", "Stopped"
        FINISHED = "finished", "Finished"
        FAILED = "failed", "Failed"

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="runs")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    version = models.ForeignKey(DatasetVersion, on_delete=models.PROTECT, related_name="runs")
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=140, unique=True)
    experiment = models.SlugField(blank=True)
    """The starter experiment that it is a try of."""
    cross_validation = models.ForeignKey(CrossValidation, null=True, on_delete=models.SET_NULL, related_name="runs")
    """The cross-validation of which it trains one fold."""
    spec = models.JSONField()
    """`training.spec.TrainSpec` as JSON, frozen; its `data` is filled in by the worker."""
    task = models.CharField(max_length=60)
    architecture = models.CharField(max_length=60)

    status = models.CharField(max_length=10, choices=Status.choices, default=Status.QUEUED)
    keep = models.BooleanField(default=True)
    """When stopping: keep the checkpoint, so that it can go on later."""
    attempt = models.PositiveIntegerField(default=0)
    """Counts claims; a worker that was thought dead and comes back no longer matches."""
    phase = models.CharField(max_length=120, blank=True)
    step = models.PositiveIntegerField(default=0)
    steps = models.PositiveIntegerField(default=0)
    epoch = models.FloatField(default=0)
    eta_seconds = models.FloatField(null=True)
    seconds = models.FloatField(default=0)
    metrics = models.JSONField(default=dict)
    """{"val/loss": {"last": 0.3, "best": 0.2}}, so that lists read no chunk."""
    headline = models.JSONField(default=dict)
    """The report's first measure: {key, value, low, high, baseline, grade}; empty until finished."""
    error = models.JSONField(default=dict)
    """{code, message, hint, remedy} when failed."""
    device = models.CharField(max_length=120, blank=True)
    parameters = models.PositiveBigIntegerField(default=0)
    checkpoint_step = models.PositiveIntegerField(default=0)
    """Step of the last safe checkpoint; 0 if there is none."""
    events_read = models.PositiveBigIntegerField(default=0)
    """Bytes of the engine's `events.jsonl` that are recorded here."""
    folder_bytes = models.PositiveBigIntegerField(default=0)
    worker = models.CharField(max_length=120, blank=True)
    """Host and process that train it: "gpu-3:4711"."""
    interruptions = models.PositiveIntegerField(default=0)
    """How often in a row its worker vanished before the next checkpoint; at three it fails."""

    created = models.DateTimeField(auto_now_add=True)
    queued = models.DateTimeField(auto_now_add=True)
    started = models.DateTimeField(null=True)
    heartbeat = models.DateTimeField(null=True)
    ended = models.DateTimeField(null=True)

    objects = RunQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        indexes = [
            models.Index(fields=["status", "queued"], name="run_queue"),
            models.Index(fields=["project", "-created"], name="run_list"),
        ]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("run", args=[self.pk])

    def train_spec(self) -> TrainSpec:
        """The frozen spec as typed object."""
        return TrainSpec.model_validate(self.spec)

    @property
    def folder(self) -> str:
        """Where the run's files lie in storage."""
        return f"runs/{self.pk}"

    @property
    def is_active(self) -> bool:
        return self.status in (self.Status.QUEUED, self.Status.RUNNING, self.Status.STOPPING)


class SeriesChunk(models.Model):
    """Up to some thousands of consecutive points of one curve, packed; see curves/."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="chunks")
    name = models.CharField(max_length=80)
    number = models.PositiveIntegerField()
    count = models.PositiveIntegerField()
    first_step = models.PositiveBigIntegerField()
    last_step = models.PositiveBigIntegerField()
    low = models.FloatField(null=True)
    high = models.FloatField(null=True)
    coarse = models.BinaryField(default=b"")
    """The lowest and the highest of every 64 points, for views of long curves; empty in chunks that still grow."""
    data = models.BinaryField()

    class Meta:
        constraints = [models.UniqueConstraint(fields=["run", "name", "number"], name="one_chunk_per_number")]

    def __str__(self) -> str:
        return f"{self.run_id} {self.name} #{self.number}"


class Note(models.Model):
    """One line of a run's log: a phase, a warning, a checkpoint, a sample, in order."""

    run = models.ForeignKey(Run, on_delete=models.CASCADE, related_name="notes")
    kind = models.CharField(max_length=20)
    step = models.PositiveIntegerField(default=0)
    data = models.JSONField(default=dict)
    created = models.DateTimeField()

    class Meta:
        ordering = ["pk"]

    def __str__(self) -> str:
        return f"{self.kind} at step {self.step}"
