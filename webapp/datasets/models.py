"""Uploads, data sets and their versions. A version never changes."""

from __future__ import annotations

import uuid

from django.conf import settings
from django.db import models
from django.urls import reverse

from training.data.schema import Description
from webapp.projects.models import EDITORS, Project, User


class DatasetQuerySet(models.QuerySet["Dataset"]):
    """Data sets by who may do what."""

    def visible_to(self, user: User) -> DatasetQuerySet:
        return self.filter(project__memberships__user=user)

    def editable_by(self, user: User) -> DatasetQuerySet:
        return self.filter(project__memberships__user=user, project__memberships__role__in=EDITORS)


class Dataset(models.Model):
    """What somebody brought to learn from."""

    class Status(models.TextChoices):
        IMPORTING = "importing", "Importing"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    BUSY = Status.IMPORTING
    """The status while a worker has something to do."""

    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="datasets")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    name = models.CharField(max_length=120)
    about = models.TextField(blank=True)
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.IMPORTING)
    phase = models.CharField(max_length=120, blank=True)
    progress = models.FloatField(null=True)
    error = models.JSONField(default=dict, blank=True)
    """{message, hint} when the import failed."""
    filename = models.CharField(max_length=255)
    """The name under which the first file was brought."""
    starter = models.SlugField(blank=True)
    """Which of the data sets that ship with the product it is."""
    hub = models.JSONField(default=dict, blank=True)
    """{repository, subset, split} of the Hugging Face Hub, from where a worker fetches the files."""
    more_files = models.JSONField(default=list, blank=True)
    """The names of the files that were brought together with the first."""
    source = models.CharField(max_length=300)
    """The folder in storage that holds what was brought, untouched."""
    sha256 = models.CharField(max_length=64, blank=True)
    """Of the uploaded file, in hexadecimal digits; the import writes it down."""
    original_bytes = models.PositiveBigIntegerField(default=0)
    """Size of what was brought, as it lies in storage."""
    attempt = models.PositiveIntegerField(default=0)
    """Counts claims; a worker that was thought dead and comes back no longer matches."""
    heartbeat = models.DateTimeField(null=True)
    """When the importing worker was last heard of; null while nobody imports."""
    archived = models.DateTimeField(null=True, blank=True)
    """Since when it is out of the way; its runs and addresses stay."""
    created = models.DateTimeField(auto_now_add=True)

    objects = DatasetQuerySet.as_manager()

    class Meta:
        ordering = ["-created", "-pk"]
        indexes = [models.Index(fields=["project", "-created"], name="dataset_list")]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("dataset", args=[self.pk])

    @property
    def folder(self) -> str:
        """The folder in storage that holds the versions."""
        return f"datasets/{self.pk}"

    @property
    def channel(self) -> str:
        """Where the news of the import is published."""
        return f"dataset-{self.pk}"

    @property
    def filenames(self) -> list[str]:
        """The names of all files that were brought."""
        return [self.filename, *self.more_files]

    @property
    def latest(self) -> DatasetVersion | None:
        """The newest version, if the import came that far."""
        return self.versions.order_by("-number").first()


class Tag(models.Model):
    """A word by which a data set is found."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="tags")
    word = models.CharField(max_length=30)

    class Meta:
        ordering = ["word"]
        constraints = [models.UniqueConstraint(fields=["dataset", "word"], name="one_tag_per_word")]

    def __str__(self) -> str:
        return self.word


class DatasetVersion(models.Model):
    """One state of a data set, frozen: `data.parquet` and `dataset.json` in its folder in storage."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="versions")
    number = models.PositiveIntegerField(default=1)
    folder = models.CharField(max_length=300)
    rows = models.PositiveBigIntegerField()
    bytes = models.PositiveBigIntegerField()
    description = models.JSONField()
    """`training.data.schema.Description` as JSON."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["dataset", "number"]
        constraints = [models.UniqueConstraint(fields=["dataset", "number"], name="one_version_per_number")]

    def __str__(self) -> str:
        return f"{self.dataset.name} v{self.number}"

    def describe(self) -> Description:
        """What is known of the data, as typed objects."""
        return Description.model_validate(self.description)


class Revision(models.Model):
    """A wish to change a data set, and once it is fulfilled the record of what was done."""

    class Status(models.TextChoices):
        MAKING = "making", "Being made"
        READY = "ready", "Ready"
        FAILED = "failed", "Failed"

    BUSY = Status.MAKING
    """The status while a worker has something to do."""

    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="revisions")
    base = models.ForeignKey(DatasetVersion, on_delete=models.SET_NULL, related_name="revisions", null=True)
    """The version that is changed, and stays as it is; null once somebody deleted it."""
    version = models.OneToOneField(DatasetVersion, on_delete=models.CASCADE, related_name="revision", null=True)
    """The version that was made."""
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    steps = models.JSONField()
    """What is to be done, in order: fixes of `training.data.fixes`, or `read_sheet` with a sheet of the workbook."""
    done = models.JSONField(default=list)
    """What was done, a sentence for each step."""
    status = models.CharField(max_length=10, choices=Status.choices, default=Status.MAKING)
    phase = models.CharField(max_length=120, blank=True)
    progress = models.FloatField(null=True)
    error = models.JSONField(default=dict, blank=True)
    """{message, hint} when it could not be made."""
    attempt = models.PositiveIntegerField(default=0)
    """Counts claims; a worker that was thought dead and comes back no longer matches."""
    heartbeat = models.DateTimeField(null=True)
    """When the worker was last heard of; null while nobody is busy with it."""
    created = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-created", "-pk"]

    def __str__(self) -> str:
        return f"{self.base} + {len(self.steps)}"

    @property
    def sheet(self) -> str:
        """The sheet of the workbook that is to be read; empty where a version is changed."""
        return next((step["sheet"] for step in self.steps if step["key"] == "read_sheet"), "")

    @property
    def folder(self) -> str:
        """The folder in storage that holds the version that is made."""
        return f"{self.dataset.folder}/revision-{self.pk}"

    @property
    def channel(self) -> str:
        """Where the news is published."""
        return f"dataset-{self.dataset_id}"


class Label(models.Model):
    """What somebody says a cell should be, until their labels become a new version."""

    version = models.ForeignKey(DatasetVersion, on_delete=models.CASCADE, related_name="labels")
    column = models.TextField()
    row = models.PositiveBigIntegerField()
    value = models.TextField(blank=True)
    """Nothing empties the cell."""
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    created = models.DateTimeField(auto_now=True)

    class Meta:
        ordering = ["row"]
        constraints = [models.UniqueConstraint(fields=["version", "column", "row"], name="one_label_per_cell")]

    def __str__(self) -> str:
        return f"row {self.row}: {self.value}"


class Upload(models.Model):
    """A file on its way in, chunk by chunk; forgotten a day after its last byte."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    project = models.ForeignKey(Project, on_delete=models.CASCADE, related_name="+")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="+")
    filename = models.CharField(max_length=255)
    size = models.PositiveBigIntegerField()
    received = models.PositiveBigIntegerField(default=0)
    fingerprint = models.CharField(max_length=400, blank=True)
    """Name, size and time of the browser's file, so that the same file goes on where it stopped."""
    dataset = models.ForeignKey(Dataset, on_delete=models.CASCADE, related_name="+", null=True)
    """What it has become, so that finishing twice makes one data set."""
    created = models.DateTimeField(auto_now_add=True)
    touched = models.DateTimeField(auto_now_add=True)
    """When the last chunk arrived."""

    def __str__(self) -> str:
        return f"{self.filename} ({self.received} of {self.size} bytes)"
