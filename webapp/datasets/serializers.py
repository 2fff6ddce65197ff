"""What data sets look like over REST."""

from typing import Any, cast

from rest_framework import serializers

from training.data.schema import Description
from webapp.datasets.models import Dataset, DatasetVersion, Revision


class UploadSerializer(serializers.Serializer[Any]):
    """A file to learn from; several with the same columns, such as train and test, make one data set."""

    project = serializers.IntegerField(required=False, help_text="Left out: the first project you are in.")
    name = serializers.CharField(required=False, max_length=120, help_text="Left out: the file's name.")
    file = serializers.FileField(use_url=False)


class HubSerializer(serializers.Serializer[Any]):
    """A data set of the Hugging Face Hub."""

    project = serializers.IntegerField(required=False, help_text="Left out: the first project you are in.")
    repository = serializers.CharField(max_length=200, help_text="“owner/name”")
    subset = serializers.CharField(required=False, allow_blank=True, max_length=100)
    split = serializers.CharField(required=False, allow_blank=True, max_length=100)


class LabelsRequest(serializers.Serializer[Any]):
    """Labels for some rows; an empty one takes the label away."""

    version = serializers.CharField(required=False, allow_blank=True, help_text="Left out: the newest.")
    column = serializers.CharField(required=False, allow_blank=True, help_text="Left out: the likeliest, or a new one.")
    labels = serializers.DictField(child=serializers.CharField(allow_blank=True), help_text='By row: {"17": "spam"}.')

    def validate_labels(self, labels: dict[str, str]) -> dict[int, str]:
        """Row numbers as numbers."""
        if not all(row.isascii() and row.isdigit() and len(row) < 16 for row in labels):
            raise serializers.ValidationError("Name each row by its number.")
        return {int(row): label for row, label in labels.items()}


class SaveLabelsRequest(serializers.Serializer[Any]):
    """Which labels are to become a version."""

    version = serializers.CharField(required=False, allow_blank=True, help_text="Left out: the newest.")
    column = serializers.CharField(required=False, allow_blank=True, help_text="Left out: the likeliest, or a new one.")


class LabelsAnswer(serializers.Serializer[Any]):
    """How the labelling of a column stands."""

    version = serializers.IntegerField()
    column = serializers.CharField()
    offered = serializers.ListField(child=serializers.CharField(), help_text="The labels in use, commonest first.")
    given = serializers.DictField(child=serializers.CharField(), help_text="By row, since the version was made.")
    next = serializers.IntegerField(allow_null=True, help_text="The first row without a label.")


class StartedSerializer(serializers.Serializer[Any]):
    """A data set whose import has begun."""

    id = serializers.IntegerField()
    status = serializers.CharField()


class DatasetSerializer(serializers.Serializer[Dataset]):
    """A data set as lists show it."""

    id = serializers.IntegerField(source="pk")
    project = serializers.IntegerField(source="project_id")
    name = serializers.CharField()
    about = serializers.CharField()
    tags = serializers.SerializerMethodField()
    archived = serializers.DateTimeField(allow_null=True)
    status = serializers.ChoiceField(choices=Dataset.Status.choices)
    phase = serializers.CharField()
    progress = serializers.FloatField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(source="size", allow_null=True)
    kind = serializers.CharField(allow_null=True)
    task = serializers.CharField(allow_null=True, help_text="The task that is proposed.")
    created = serializers.DateTimeField()
    error = serializers.SerializerMethodField()

    def get_tags(self, dataset: Dataset) -> list[str]:
        """In order."""
        return [tag.word for tag in dataset.tags.all()]

    def get_error(self, dataset: Dataset) -> dict[str, str] | None:
        """`{message, hint}` of a failed import."""
        return dataset.error or None


class ColumnSerializer(serializers.Serializer[Any]):
    """One column, with the role that is proposed for it."""

    name = serializers.CharField()
    type = serializers.CharField()
    role = serializers.CharField(allow_null=True)
    missing = serializers.IntegerField()
    unique = serializers.IntegerField()
    stats = serializers.DictField()


class ChangeSerializer(serializers.Serializer[Any]):
    """What can be changed of a data set as a whole."""

    name = serializers.CharField(required=False, max_length=120)
    about = serializers.CharField(required=False, allow_blank=True)
    tags = serializers.ListField(child=serializers.CharField(max_length=30), required=False)
    archived = serializers.BooleanField(required=False)


class VersionSerializer(serializers.Serializer[Any]):
    """One version, and what was done to make it."""

    number = serializers.IntegerField()
    rows = serializers.IntegerField()
    bytes = serializers.IntegerField()
    created = serializers.DateTimeField()
    base = serializers.SerializerMethodField(help_text="The version that it was made of; null for what was read.")
    changes = serializers.SerializerMethodField(help_text="What was done since the files came in, the oldest first.")

    def get_base(self, version: DatasetVersion) -> int | None:
        """The number of the version before."""
        made = getattr(version, "revision", None)
        return made.base.number if made and made.base else None

    def get_changes(self, version: DatasetVersion) -> list[str]:
        """A sentence for each change."""
        return [change.text for change in version.describe().changes]


class ReviseSerializer(serializers.Serializer[Any]):
    """What the next version should be: remedies of findings, or fixes in full."""

    base = serializers.IntegerField(required=False, help_text="The version to change; the newest if left out.")
    findings = serializers.ListField(
        child=serializers.IntegerField(min_value=0), required=False, help_text="Places in `quality`, counted from 0."
    )
    fixes = serializers.ListField(
        child=serializers.DictField(), required=False, help_text="Each as `quality[].fix`: key, title, column, …"
    )
    sheet = serializers.CharField(required=False, help_text="Instead of changes: the workbook's sheet to read.")


class RevisionSerializer(serializers.Serializer[Revision]):
    """A version that is being made, or was."""

    id = serializers.IntegerField(source="pk")
    status = serializers.ChoiceField(choices=Revision.Status.choices)
    version = serializers.IntegerField(source="version.number", allow_null=True, default=None)
    done = serializers.ListField(child=serializers.CharField())
    error = serializers.DictField()


class DetailSerializer(DatasetSerializer):
    """A data set with what is known of its newest version."""

    filename = serializers.CharField()
    sha256 = serializers.CharField()
    format = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    versions = serializers.ListField(child=serializers.DictField())
    parts = serializers.DictField(child=serializers.IntegerField())
    columns = ColumnSerializer(many=True)
    sheets = serializers.ListField(child=serializers.CharField(), help_text="Of a workbook, where there are several.")
    sheet = serializers.CharField(help_text="The one that was read.")
    proposals = serializers.ListField(child=serializers.DictField())
    quality = serializers.ListField(child=serializers.DictField())

    def to_representation(self, instance: Dataset) -> dict[str, Any]:
        """The list's fields and the newest version's description."""
        return cast(dict[str, Any], DatasetSerializer(instance).data) | _details(instance)


class RowsSerializer(serializers.Serializer[Any]):
    """A page of rows; a picture is its size and the address of its bytes."""

    count = serializers.IntegerField()
    offset = serializers.IntegerField()
    results = serializers.ListField(child=serializers.DictField())


def _details(dataset: Dataset) -> dict[str, Any]:
    version = dataset.latest
    known = version.describe() if version else None
    return {
        "filename": dataset.filename,
        "sha256": dataset.sha256,
        "format": known.format if known else None,
        "version": version.number if version else None,
        "versions": list(dataset.versions.values("number", "rows", "bytes", "created")),
        "parts": known.parts if known else {},
        "columns": _columns(known) if known else [],
        "sheets": known.sheets if known else [],
        "sheet": known.sheet if known else "",
        "proposals": [proposal.model_dump(mode="json") for proposal in known.proposals] if known else [],
        "quality": [finding.model_dump(mode="json") for finding in known.quality] if known else [],
    }


def _columns(known: Description) -> list[dict[str, Any]]:
    roles = known.proposals[0].roles if known.proposals else {}
    role_of = {column: role for role, columns in roles.items() for column in columns}
    return [column.model_dump(mode="json") | {"role": role_of.get(column.name)} for column in known.columns]
