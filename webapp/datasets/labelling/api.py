"""REST for labels: give some, see what is left, make a version of them."""

from typing import Any, cast

from django.shortcuts import get_object_or_404
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.datasets.labelling import services as labelling
from webapp.datasets.lookup import version_or_404
from webapp.datasets.models import Dataset, DatasetVersion
from webapp.datasets.serializers import LabelsAnswer, LabelsRequest, RevisionSerializer, SaveLabelsRequest
from webapp.projects.access import membership_or_404
from webapp.projects.models import Membership, User


@extend_schema(tags=["datasets"])
class LabelsView(APIView):
    """Labels that were given since a version was made."""

    @extend_schema(parameters=[SaveLabelsRequest], responses=LabelsAnswer)
    def get(self, request: Request, pk: int) -> Response:
        """What was given, and which row comes next."""
        _member, version, column = _place(request, pk, request.query_params.dict())
        return Response(_standing(version, column))

    @extend_schema(request=LabelsRequest, responses=LabelsAnswer)
    def post(self, request: Request, pk: int) -> Response:
        """Keep labels for some rows; nothing changes in the version."""
        wanted = LabelsRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        member, version, column = _place(request, pk, wanted.validated_data)
        labels = wanted.validated_data["labels"]
        labelling.give_labels(member=member, version=version, column=column, labels=labels)
        return Response(_standing(version, column))

    @extend_schema(parameters=[SaveLabelsRequest], responses={204: None})
    def delete(self, request: Request, pk: int) -> Response:
        """Throw away what was given."""
        _member, version, column = _place(request, pk, request.query_params.dict())
        labelling.forget_labels(version, column)
        return Response(status=204)


class SaveLabelsView(APIView):
    """The labels that were given, made into a version."""

    @extend_schema(tags=["datasets"], request=SaveLabelsRequest, responses={202: RevisionSerializer})
    def post(self, request: Request, pk: int) -> Response:
        """Make the next version with them, in the background."""
        wanted = SaveLabelsRequest(data=request.data)
        wanted.is_valid(raise_exception=True)
        member, version, column = _place(request, pk, wanted.validated_data)
        revision = labelling.save_labels(member=member, version=version, column=column)
        return Response(RevisionSerializer(revision).data, status=202)


def _place(request: Request, pk: int, asked: dict[str, Any]) -> tuple[Membership, DatasetVersion, str]:
    """The caller's seat, the version and the column; only those who may change the data get here."""
    person = cast(User, request.user)
    dataset = get_object_or_404(Dataset.objects.visible_to(person), pk=pk)
    member = membership_or_404(person, dataset.project_id, edit=True)
    version = version_or_404(dataset, asked.get("version", ""))
    return member, version, labelling.good_column(version, asked.get("column", ""))


def _standing(version: DatasetVersion, column: str) -> dict[str, Any]:
    given = version.labels.filter(column=column).order_by("row").values_list("row", "value")
    return {
        "version": version.number,
        "column": column,
        "offered": labelling.offered_labels(version, column),
        "given": {str(row): value for row, value in given},
        "next": labelling.next_row(version, column, 0),
    }
