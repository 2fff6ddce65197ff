"""REST for data sets."""

from typing import Any, cast

from django.db.models import QuerySet
from django.utils.translation import gettext as _
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from training.data.schema import Description
from webapp.datasets import preview, services
from webapp.datasets.listing import with_newest
from webapp.datasets.models import Dataset
from webapp.projects.access import membership_or_404, seats
from webapp.projects.models import Membership, User
from webapp.projects.services import create_project

MOST_ROWS = 500


class UploadSerializer(serializers.Serializer[Any]):
    """A file to learn from; several with the same columns, such as train and test, make one data set."""

    project = serializers.IntegerField(required=False, help_text="Left out: the first project you are in.")
    name = serializers.CharField(required=False, max_length=120, help_text="Left out: the file's name.")
    file = serializers.FileField(use_url=False)


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
    status = serializers.ChoiceField(choices=Dataset.Status.choices)
    phase = serializers.CharField()
    progress = serializers.FloatField(allow_null=True)
    rows = serializers.IntegerField(allow_null=True)
    bytes = serializers.IntegerField(source="size", allow_null=True)
    kind = serializers.CharField(allow_null=True)
    task = serializers.CharField(allow_null=True, help_text="The task that is proposed.")
    created = serializers.DateTimeField()
    error = serializers.SerializerMethodField()

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


class DetailSerializer(DatasetSerializer):
    """A data set with what is known of its newest version."""

    filename = serializers.CharField()
    sha256 = serializers.CharField()
    format = serializers.CharField(allow_null=True)
    version = serializers.IntegerField(allow_null=True)
    versions = serializers.ListField(child=serializers.DictField())
    parts = serializers.DictField(child=serializers.IntegerField())
    columns = ColumnSerializer(many=True)
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


@extend_schema(tags=["datasets"])
class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Dataset]):
    """The data of your projects."""

    queryset = Dataset.objects.none()
    serializer_class = DatasetSerializer
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[Dataset]:
        """Only what the caller may see; `?project=` narrows it."""
        found = with_newest(Dataset.objects.visible_to(cast(User, self.request.user)))
        project = self.request.query_params.get("project", "")
        return found.filter(project=int(project)) if project.isdecimal() else found

    @extend_schema(parameters=[OpenApiParameter("project", int)])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(responses=DetailSerializer)
    def retrieve(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Status `importing`, `ready` or `failed`; columns, proposals and quality once it is ready."""
        return Response(DetailSerializer(self.get_object()).data)

    @extend_schema(
        request={"multipart/form-data": UploadSerializer},
        responses={202: StartedSerializer},
        operation_id="datasets_create",
    )
    def create(self, request: Request) -> Response:
        """Bring a file. It is read in the background: ask for the data set until it is ready."""
        form = UploadSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        given = form.validated_data
        member = _seat(cast(User, request.user), given.get("project"))
        files = request.FILES.getlist("file")
        dataset = services.receive_files(member=member, files=files, name=given.get("name", ""))
        return Response({"id": dataset.pk, "status": dataset.status}, status=202)

    def get_parsers(self) -> Any:
        """Files come as multipart."""
        return [MultiPartParser()] if self.request and self.request.method == "POST" else super().get_parsers()

    @extend_schema(
        parameters=[
            OpenApiParameter("offset", int),
            OpenApiParameter("limit", int, description=f"At most {MOST_ROWS}."),
        ],
        responses=RowsSerializer,
    )
    @action(detail=True, pagination_class=None)
    def rows(self, request: Request, pk: str) -> Response:
        """A page of the newest version's rows."""
        version = self.get_object().latest
        if version is None:
            return Response({"count": 0, "offset": 0, "results": []})
        offset = _number(request.query_params.get("offset", ""), 0)
        limit = min(_number(request.query_params.get("limit", ""), 50), MOST_ROWS)
        results = preview.api_rows(version, first=offset, limit=limit)
        return Response({"count": version.rows, "offset": offset, "results": results})


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
        "proposals": [proposal.model_dump(mode="json") for proposal in known.proposals] if known else [],
        "quality": [finding.model_dump(mode="json") for finding in known.quality] if known else [],
    }


def _columns(known: Description) -> list[dict[str, Any]]:
    roles = known.proposals[0].roles if known.proposals else {}
    role_of = {column: role for role, columns in roles.items() for column in columns}
    return [column.model_dump(mode="json") | {"role": role_of.get(column.name)} for column in known.columns]


def _seat(user: User, project: int | None) -> Membership:
    if project:
        return membership_or_404(user, project, edit=True)
    return seats(user).first() or create_project(owner=user, name=_("My project"))


def _number(digits: str, default: int) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else default
