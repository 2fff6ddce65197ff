"""REST for pretrained models that a project has brought."""

from __future__ import annotations

from typing import Any, cast

from django.db.models import QuerySet
from django.shortcuts import get_object_or_404
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import mixins, serializers, viewsets
from rest_framework.parsers import MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.pretrained import services
from webapp.pretrained.models import OwnModel
from webapp.projects.access import membership_or_404, require_editor
from webapp.projects.models import User


class OwnModelSerializer(serializers.ModelSerializer[OwnModel]):
    """A model to start from; settings name it by its `source`."""

    source = serializers.CharField(read_only=True)  # type: ignore[assignment]  # a field may have any name

    class Meta:
        model = OwnModel
        fields = ("id", "project", "name", "source", "kind", "model_type", "parameters", "bytes", "created")
        read_only_fields = fields


class BringSerializer(serializers.Serializer[Any]):
    """A ZIP of a Hugging Face folder: config.json, safetensors and the tokenizer's files."""

    project = serializers.IntegerField()
    file = serializers.FileField(use_url=False)
    name = serializers.CharField(required=False, max_length=120, help_text="Left out: the file's name.")


@extend_schema(tags=["models"])
class OwnModelViewSet(mixins.ListModelMixin, mixins.RetrieveModelMixin, viewsets.GenericViewSet[OwnModel]):
    """The pretrained models that your projects have brought."""

    queryset = OwnModel.objects.none()
    serializer_class = OwnModelSerializer
    lookup_value_regex = r"\d+"
    parser_classes = (MultiPartParser,)

    def get_queryset(self) -> QuerySet[OwnModel]:
        """Only what the caller may see; `?project=` narrows it."""
        found = OwnModel.objects.visible_to(cast(User, self.request.user))
        project = self.request.query_params.get("project", "")
        return found.filter(project=int(project)) if project.isdecimal() else found

    @extend_schema(parameters=[OpenApiParameter("project", int)])
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """By name."""
        return super().list(request, *args, **kwargs)

    @extend_schema(request={"multipart/form-data": BringSerializer}, responses={201: OwnModelSerializer})
    def create(self, request: Request) -> Response:
        """Bring one; pickled weights and models that need code of their own are refused."""
        wanted = BringSerializer(data=request.data)
        wanted.is_valid(raise_exception=True)
        given = wanted.validated_data
        member = membership_or_404(cast(User, request.user), given.pop("project"), edit=True)
        return Response(OwnModelSerializer(services.add_model(member=member, **given)).data, status=201)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Forget it; runs that started from it keep their figures but no longer answer."""
        model = get_object_or_404(OwnModel.objects.visible_to(cast(User, request.user)), pk=pk)
        require_editor(membership_or_404(cast(User, request.user), model.project_id))
        services.delete_model(model)
        return Response(status=204)
