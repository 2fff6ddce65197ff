"""REST for data sets."""

from typing import Any, cast

from django.db.models import QuerySet
from django.http import HttpRequest
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from pydantic import ValidationError
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from training.data.schema import Fix
from webapp.core.errors import UserError
from webapp.datasets import services
from webapp.datasets.lookup import version_or_404
from webapp.datasets.models import Dataset, Revision
from webapp.datasets.pages import preview
from webapp.datasets.pages.listing import narrow, read_filters, with_newest
from webapp.datasets.serializers import (
    ChangeSerializer,
    DatasetSerializer,
    DetailSerializer,
    HubSerializer,
    ReviseSerializer,
    RevisionSerializer,
    RowsSerializer,
    StartedSerializer,
    UploadSerializer,
    VersionSerializer,
)
from webapp.datasets.versions import services as versions
from webapp.projects.access import membership_or_404, seats
from webapp.projects.models import Membership, User
from webapp.projects.services import create_project

MOST_ROWS = 500


@extend_schema(tags=["datasets"])
class DatasetViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[Dataset]):
    """The data of your projects."""

    queryset = Dataset.objects.none()
    serializer_class = DatasetSerializer
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[Dataset]:
        """Only what the caller may see; `?project=` narrows it."""
        found = with_newest(Dataset.objects.visible_to(cast(User, self.request.user)).prefetch_related("tags"))
        if self.action != "list":
            return found
        project = self.request.query_params.get("project", "")
        found = found.filter(project=int(project)) if project.isdecimal() else found
        return narrow(found, read_filters(cast(HttpRequest, self.request).GET))

    @extend_schema(
        parameters=[
            OpenApiParameter("project", int),
            OpenApiParameter("q", str, description="Words in the name, the description, the file's name or a tag."),
            OpenApiParameter("tag", str),
            OpenApiParameter("kind", str),
            OpenApiParameter("status", str),
            OpenApiParameter("archived", int, description="1: only what is archived; otherwise only what is not."),
        ]
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Newest first."""
        return super().list(request, *args, **kwargs)

    @extend_schema(request=ChangeSerializer, responses=DetailSerializer)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename, describe, tag, archive or restore."""
        dataset = self._editable()
        wanted = ChangeSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        _change(dataset, wanted.validated_data)
        return Response(DetailSerializer(self.get_object()).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Delete it with all versions; 409 when a run used it."""
        services.delete_dataset(self._editable())
        return Response(status=204)

    @extend_schema(methods=["GET"], responses=VersionSerializer(many=True))
    @extend_schema(methods=["POST"], request=ReviseSerializer, responses={202: RevisionSerializer})
    @action(detail=True, methods=["get", "post"], pagination_class=None, parser_classes=[JSONParser])
    def versions(self, request: Request, pk: str) -> Response:
        """All versions, the oldest first; or make the next one, in the background."""
        if request.method == "GET":
            found = self.get_object().versions.select_related("revision__base").order_by("number")
            return Response(VersionSerializer(found, many=True).data)
        wanted = ReviseSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        revision = _revise(cast(User, request.user), self._editable(), wanted.validated_data)
        return Response(RevisionSerializer(revision).data, status=202)

    @extend_schema(methods=["GET"], responses=VersionSerializer)
    @extend_schema(methods=["DELETE"], responses={204: None})
    @action(detail=True, methods=["get", "delete"], url_path=r"versions/(?P<number>\d+)", url_name="version")
    def version(self, request: Request, pk: str, number: str) -> Response:
        """One version; deleting it is refused with 409 when a run used it."""
        dataset = self.get_object() if request.method == "GET" else self._editable()
        version = version_or_404(dataset, number)
        if request.method == "GET":
            return Response(VersionSerializer(version).data)
        versions.delete_version(version)
        return Response(status=204)

    @extend_schema(responses=OpenApiTypes.OBJECT)
    @action(detail=True, url_path=r"versions/(?P<number>\d+)/difference/(?P<other>\d+)", url_name="difference")
    def difference(self, request: Request, pk: str, number: str, other: str) -> Response:
        """What is different from version `number` to version `other`: rows, columns, classes."""
        dataset = self.get_object()
        return Response(versions.compare(version_or_404(dataset, number), version_or_404(dataset, other)))

    @extend_schema(responses=RevisionSerializer)
    @action(detail=True, url_path=r"revisions/(?P<revision>\d+)", url_name="revision")
    def revision(self, request: Request, pk: str, revision: str) -> Response:
        """How the making of a version goes: `making`, `ready` or `failed`."""
        found = self.get_object().revisions.select_related("version")
        return Response(RevisionSerializer(get_object_or_404(found, pk=revision)).data)

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
        member = seat_of(cast(User, request.user), given.get("project"))
        files = request.FILES.getlist("file")
        dataset = services.receive_files(member=member, files=files, name=given.get("name", ""))
        return Response({"id": dataset.pk, "status": dataset.status}, status=202)

    @extend_schema(request=HubSerializer, responses={202: StartedSerializer})
    @action(detail=False, methods=["post"], parser_classes=[JSONParser])
    def hub(self, request: Request) -> Response:
        """Bring a data set of the Hugging Face Hub. A worker fetches it: ask for the data set until it is ready."""
        form = HubSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        asked = dict(form.validated_data)
        member = seat_of(cast(User, request.user), asked.pop("project", None))
        dataset = services.add_from_hub(member=member, **asked)
        return Response({"id": dataset.pk, "status": dataset.status}, status=202)

    def get_parsers(self) -> Any:
        """Files come as multipart."""
        return (
            [MultiPartParser()]
            if self.action_map.get("post") == "create" and self._is_post()
            else super().get_parsers()
        )

    def _is_post(self) -> bool:
        return bool(self.request) and self.request.method == "POST"

    def _editable(self) -> Dataset:
        """The data set, if the caller may change it."""
        dataset = self.get_object()
        membership_or_404(cast(User, self.request.user), dataset.project_id, edit=True)
        return dataset

    @extend_schema(
        parameters=[
            OpenApiParameter("version", int),
            OpenApiParameter("offset", int),
            OpenApiParameter("limit", int, description=f"At most {MOST_ROWS}."),
        ],
        responses=RowsSerializer,
    )
    @action(detail=True, pagination_class=None)
    def rows(self, request: Request, pk: str) -> Response:
        """A page of a version's rows, of the newest one by default."""
        dataset = self.get_object()
        asked = request.query_params.get("version", "")
        version = version_or_404(dataset, asked) if asked else dataset.latest
        if version is None:
            return Response({"count": 0, "offset": 0, "results": []})
        offset = _number(request.query_params.get("offset", ""), 0)
        limit = min(_number(request.query_params.get("limit", ""), 50), MOST_ROWS)
        results = preview.api_rows(version, first=offset, limit=limit)
        return Response({"count": version.rows, "offset": offset, "results": results})


def _change(dataset: Dataset, wanted: dict[str, Any]) -> None:
    if "name" in wanted:
        services.rename_dataset(dataset, wanted["name"])
    if "about" in wanted:
        services.describe_dataset(dataset, wanted["about"])
    if "tags" in wanted:
        services.tag_dataset(dataset, wanted["tags"])
    if "archived" in wanted:
        (services.archive_dataset if wanted["archived"] else services.restore_dataset)(dataset)


def _revise(user: User, dataset: Dataset, wanted: dict[str, Any]) -> Revision:
    member = membership_or_404(user, dataset.project_id, edit=True)
    version = version_or_404(dataset, wanted.get("base", ""))
    if "sheet" in wanted:
        return versions.read_sheet(member=member, version=version, sheet=wanted["sheet"])
    if "fixes" not in wanted:
        return versions.apply_findings(member=member, version=version, findings=wanted.get("findings", []))
    try:
        fixes = [Fix.model_validate(fix) for fix in wanted["fixes"]]
    except ValidationError as error:
        problem = error.errors()[0]
        raise UserError(
            _("A fix is not as it should be: %(place)s: %(problem)s.")
            % {"place": ".".join(map(str, problem["loc"])), "problem": problem["msg"]},
            _("Send each as the quality report gives it."),
            code="bad_fix",
        ) from error
    return versions.revise(member=member, version=version, fixes=fixes)


def seat_of(user: User, project: int | None) -> Membership:
    """The seat in the project that is named, else in the first that the person is in."""
    if project:
        return membership_or_404(user, project, edit=True)
    return seats(user).first() or create_project(owner=user, name=_("My project"))


def _number(digits: str, default: int) -> int:
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) < 16 else default
