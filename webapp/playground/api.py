"""REST: ask a finished run's model."""

from __future__ import annotations

from typing import Any, cast

from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from training.sampling import Sampling
from webapp.playground import attachments, served, services
from webapp.projects.models import User
from webapp.runs.models import Run


class Question(serializers.Serializer[Any]):
    """What the model should answer."""

    inputs = serializers.ListField(
        child=serializers.DictField(),
        allow_empty=False,
        help_text='One object per answer: {"column": value}, {"text": "..."}, {"prompt": "..."}, {"messages": []}.',
    )
    options = serializers.DictField(
        required=False, help_text=f"For models that write: {', '.join(Sampling.model_fields)}."
    )


class Answer(serializers.Serializer[Any]):
    """One output per input."""

    outputs = serializers.ListField(child=serializers.DictField())


class PredictView(APIView):
    """Answers of a finished run's model."""

    parser_classes = [JSONParser, MultiPartParser]

    @extend_schema(
        tags=["runs"],
        request={"application/json": Question, "multipart/form-data": OpenApiTypes.OBJECT},
        responses=Answer,
    )
    def post(self, request: Request, pk: int) -> Response:
        """Answer each input; pictures and sounds are sent as multipart files, one input per file."""
        runs = Run.objects.visible_to(cast(User, request.user)).select_related("version", "project")
        model = served.of_run(get_object_or_404(runs, pk=pk))
        if request.FILES:
            files = [file for name in request.FILES for file in request.FILES.getlist(name)]
            inputs: list[dict[str, Any]] = [{model.task.tryout: attachments.keep(file)} for file in files]
            return Response({"outputs": services.ask(model, inputs)})
        question = Question(data=request.data)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        return Response({"outputs": services.ask(model, asked["inputs"], asked.get("options"))})
