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

from training.language.sampling import Sampling
from webapp.core.errors import UserError
from webapp.playground import attachments, served, services
from webapp.playground.served import Served
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
        """Answer each input.

        Pictures and sounds are sent as multipart files, one input per file; for a table with pictures the multipart
        fields and files are the columns of one row.
        """
        runs = Run.objects.visible_to(cast(User, request.user)).select_related("version", "project")
        model = served.of_run(get_object_or_404(runs, pk=pk))
        if request.FILES:
            return Response({"outputs": services.ask(model, _sent_along(model, request))})
        question = Question(data=request.data)
        question.is_valid(raise_exception=True)
        asked = question.validated_data
        _refuse_paths(model, asked["inputs"])
        return Response({"outputs": services.ask(model, asked["inputs"], asked.get("options"))})


def _sent_along(model: Served, request: Request) -> list[dict[str, Any]]:
    """Files as inputs of their own, or as cells of a row of a table."""
    if model.task.tryout == "form":
        typed = dict(request.POST.items())
        return [typed | {name: attachments.keep(file) for name, file in request.FILES.items()}]
    files = [file for name in request.FILES for file in request.FILES.getlist(name)]
    return [{model.task.tryout: attachments.keep(file)} for file in files]


def _refuse_paths(model: Served, inputs: list[dict[str, Any]]) -> None:
    """A picture or a sound is sent, never named by a place on the server."""
    assert model.run is not None
    columns = {column.name for column in model.run.version.describe().columns if column.type in ("image", "audio")}
    for name in columns | {"image", "audio"} & {model.task.tryout}:
        if any(isinstance(given.get(name), str) for given in inputs):
            raise UserError(f"“{name}” takes a file.", "Send it along as multipart/form-data.", code="bad_input")
