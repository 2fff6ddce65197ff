"""REST for cross-validation: one call queues a run per fold, one answer tells their mean and spread."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.projects.access import membership_or_404
from webapp.runs import serializers as shapes
from webapp.runs.folds import services as folds
from webapp.runs.folds.compared import compare_folds
from webapp.runs.models import CrossValidation
from webapp.runs.requests import data_of, person_of, spec_of, valid


@extend_schema(tags=["runs"])
class CrossValidationViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[CrossValidation]
):
    """One choice trained on every fold of the data."""

    serializer_class = shapes.CrossValidationAnswer
    queryset = CrossValidation.objects.none()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[CrossValidation]:
        """Only those of one's own projects."""
        return CrossValidation.objects.filter(project__memberships__user=person_of(self.request))

    @extend_schema(parameters=[OpenApiParameter("project", int)])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Cross-validations, newest first."""
        found = self.get_queryset()
        if (project := request.query_params.get("project", "")) != "":
            found = found.filter(project=int(project)) if project.isdigit() else found.none()
        page = self.paginate_queryset(found) or []
        return self.get_paginated_response([shapes.CrossValidationAnswer(group).data for group in page])

    @extend_schema(request=shapes.FoldsRequest, responses={201: shapes.CrossValidationAnswer})
    def create(self, request: Request) -> Response:
        """Queue one training per fold. Whatever is left out is proposed, as for a single run."""
        wanted = valid(shapes.FoldsRequest, request.data)
        member, version = data_of(request, wanted, edit=True)
        group = folds.queue_folds(
            member=member,
            version=version,
            spec=spec_of(wanted, version, member),
            folds=wanted["folds"],
            name=wanted.get("name", ""),
        )
        return Response(shapes.CrossValidationAnswer(group).data, status=201)

    @extend_schema(request=None, responses=shapes.CrossValidationAnswer)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """Stop every run of it that waits or trains, and keep what each learnt."""
        group = self.get_object()
        membership_or_404(person_of(request), group.project_id, edit=True)
        folds.stop_folds(group)
        return Response(shapes.CrossValidationAnswer(group).data)

    @extend_schema(
        parameters=[OpenApiParameter("other", int, required=True)], responses=shapes.FoldsCompared, filters=False
    )
    @action(detail=True, methods=["get"])
    def compare(self, request: Request, pk: str) -> Response:
        """Whether another cross-validation on the same folds is really better, by their folds and their answers."""
        wanted = request.query_params.get("other", "")
        other = get_object_or_404(self.get_queryset(), pk=int(wanted) if wanted.isdigit() else 0)
        return Response(compare_folds(self.get_object(), other).as_json())
