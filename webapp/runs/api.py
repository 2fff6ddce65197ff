"""REST for runs; the same services as the pages."""

from __future__ import annotations

from typing import Any, cast

from asgiref.sync import sync_to_async
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, OpenApiResponse, extend_schema
from rest_framework import mixins, viewsets
from rest_framework.decorators import action
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from webapp.core import live
from webapp.core.downloads import send_file
from webapp.core.errors import UserError
from webapp.projects.access import membership_or_404
from webapp.runs import lifecycle, news, results, services
from webapp.runs import serializers as shapes
from webapp.runs.comparing.compare import compare
from webapp.runs.curves import series
from webapp.runs.models import Run
from webapp.runs.requests import data_of, person_of, spec_of, valid

MOST_NOTES = 1000


class EventStream(BaseRenderer):
    """Lets a client ask for `text/event-stream`; what is said before the stream begins is JSON."""

    media_type = "text/event-stream"
    format = "stream"
    charset = None

    def render(self, data: Any, accepted_media_type: str | None = None, renderer_context: Any = None) -> bytes:
        """The answer as JSON: only errors are ever sent this way."""
        return JSONRenderer().render(data)


@extend_schema(tags=["runs"])
class RunViewSet(
    mixins.ListModelMixin, mixins.RetrieveModelMixin, mixins.DestroyModelMixin, viewsets.GenericViewSet[Run]
):
    """Trainings: queue them, watch them, stop them, read what came out."""

    serializer_class = shapes.RunDetail
    queryset = Run.objects.none()
    lookup_value_regex = r"\d+"

    def get_queryset(self) -> QuerySet[Run]:
        """Only runs of one's own projects."""
        return Run.objects.visible_to(person_of(self.request)).select_related("version__dataset", "owner", "project")

    @extend_schema(
        parameters=[
            OpenApiParameter("project", int),
            OpenApiParameter("dataset", int),
            OpenApiParameter("status", str, enum=Run.Status.values),
            OpenApiParameter("task", str),
            OpenApiParameter("architecture", str),
            OpenApiParameter("search", str, description="A part of the name."),
        ],
        responses=shapes.RunAnswer(many=True),
    )
    def list(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Runs, newest first."""
        runs = self.paginate_queryset(_filtered(self.get_queryset(), request)) or []
        return self.get_paginated_response([shapes.RunAnswer(run).data for run in runs])

    @extend_schema(request=shapes.SpecRequest, responses={201: shapes.RunDetail})
    def create(self, request: Request) -> Response:
        """Queue a training. Whatever is left out is proposed."""
        wanted = valid(shapes.SpecRequest, request.data)
        member, version = data_of(request, wanted, edit=True)
        spec = spec_of(wanted, version, member)
        run = services.queue_run(member=member, version=version, spec=spec, name=wanted.get("name", ""))
        run.refresh_from_db()
        return Response(shapes.RunDetail(run).data, status=201)

    @extend_schema(request=shapes.SpecRequest, responses=shapes.EstimateAnswer)
    @action(detail=False, methods=["post"])
    def estimate(self, request: Request) -> Response:
        """Say what a training would take. Nothing is started."""
        wanted = valid(shapes.SpecRequest, request.data)
        member, version = data_of(request, wanted, edit=False)
        spec = spec_of(wanted, version, member)
        counted = {"rows": services.count_rows(spec, version), "spec": spec.model_dump(mode="json")}
        return Response(services.estimate(spec, version) | counted)

    @extend_schema(request=shapes.NameRequest, responses=shapes.RunDetail)
    def partial_update(self, request: Request, pk: str) -> Response:
        """Rename a run."""
        run = self._editable()
        return Response(
            shapes.RunDetail(services.rename_run(run, valid(shapes.NameRequest, request.data)["name"])).data
        )

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, *args: Any, **kwargs: Any) -> Response:
        """Forget a run that is not active, with its files."""
        services.delete_run(self._editable())
        return Response(status=204)

    @extend_schema(request=shapes.StopRequest, responses=shapes.RunDetail)
    @action(detail=True, methods=["post"])
    def stop(self, request: Request, pk: str) -> Response:
        """Stop a run: keep what it learnt, so that it can go on later, or discard it."""
        run = self._editable()
        lifecycle.ask_to_stop(run, keep=valid(shapes.StopRequest, request.data)["keep"])
        run.refresh_from_db()
        return Response(shapes.RunDetail(run).data)

    @extend_schema(request=None, responses=shapes.RunDetail)
    @action(detail=True, methods=["post"])
    def resume(self, request: Request, pk: str) -> Response:
        """Go on from the checkpoint."""
        return Response(shapes.RunDetail(services.resume_run(self._editable())).data)

    @extend_schema(request=shapes.NameRequest, responses={201: shapes.RunDetail})
    @action(detail=True, methods=["post"])
    def clone(self, request: Request, pk: str) -> Response:
        """Queue the same training again."""
        run = self._editable()
        member = membership_or_404(person_of(request), run.project_id, edit=True)
        name = valid(shapes.NameRequest, request.data).get("name", "")
        copy = services.clone_run(run=run, member=member, name=name)
        copy.refresh_from_db()
        return Response(shapes.RunDetail(copy).data, status=201)

    @extend_schema(parameters=[shapes.SeriesRequest], responses=shapes.SeriesAnswer)
    def series(self, request: Request, pk: str) -> HttpResponse:
        """Curves in few points that keep every spike."""
        wanted = valid(shapes.SeriesRequest, request.query_params)
        names = [name for name in wanted.get("names", "").split(",") if name] or None
        curves = series.read(self.get_object(), names, wanted["points"], wanted["x"])
        return _json({"series": curves})

    @extend_schema(
        parameters=[OpenApiParameter("after", str, description="Only what came after this id.")],
        responses={
            (200, "application/json"): shapes.NoteAnswer(many=True),
            (200, "text/event-stream"): OpenApiResponse(OpenApiTypes.STR, "Events status, progress, note and reset."),
        },
    )
    @action(detail=True, renderer_classes=[EventStream, JSONRenderer])
    def events(self, request: Request, pk: str) -> Response:
        """The news of a run as they happen (server-sent events); with `Accept: application/json` its log as a list."""
        run = self.get_object()
        if _wants_stream(request):
            return Response(news.status_as_json(run))
        after = request.query_params.get("after", "")
        notes = run.notes.filter(pk__gt=int(after) if after.isdigit() else 0)[:MOST_NOTES]
        return Response([news.note_as_json(note) for note in notes])

    @extend_schema(responses={200: OpenApiTypes.OBJECT})
    @action(detail=True)
    def report(self, request: Request, pk: str) -> HttpResponse:
        """What a finished run found out: see `training/report.py` for its shape."""
        report = services.read_report(self.get_object())
        if report is None:
            raise UserError(
                _("There is no report yet."), _("Wait until the run is finished."), code="not_finished", status=404
            )
        return HttpResponse(report.model_dump_json(), content_type="application/json")

    @extend_schema(parameters=[shapes.PredictionsRequest], responses=shapes.PredictionsAnswer)
    @action(detail=True)
    def predictions(self, request: Request, pk: str) -> HttpResponse:
        """The model's answers to the held-out examples, hardest first."""
        wanted = valid(shapes.PredictionsRequest, request.query_params)
        found = services.read_predictions(self.get_object(), **wanted)
        end = wanted["offset"] + len(found["results"])
        following = urlencode({**wanted, "offset": end}) if end < found["count"] else None
        url = request.build_absolute_uri(f"{request.path}?{following}") if following else None
        return _json({"count": found["count"], "next": url, "results": found["results"]})

    @extend_schema(operation_id="runs_files_list", responses=shapes.FilesAnswer)
    @action(detail=True)
    def files(self, request: Request, pk: str) -> Response:
        """The run's files."""
        run = self.get_object()
        found = [
            file | {"url": request.build_absolute_uri(reverse("run-file", args=[run.pk, file["path"]]))}
            for file in services.list_files(run)
        ]
        return Response({"next": None, "results": found})

    def _editable(self) -> Run:
        run = self.get_object()
        membership_or_404(person_of(self.request), run.project_id, edit=True)
        return run


class RunFileView(APIView):
    """One of a run's files."""

    @extend_schema(
        operation_id="runs_file_download",
        tags=["runs"],
        responses={(200, "application/octet-stream"): OpenApiTypes.BINARY},
    )
    def get(self, request: Request, pk: int, path: str) -> HttpResponseBase:
        """Download one of the run's files."""
        run = get_object_or_404(Run.objects.visible_to(person_of(request)), pk=pk)
        if path not in results.file_names(run):
            raise Http404
        return send_file(f"{run.folder}/{path}", filename=path.rpartition("/")[2])


class CompareView(APIView):
    """Runs side by side."""

    @extend_schema(
        tags=["runs"], parameters=[shapes.CompareRequest], responses={200: OpenApiTypes.OBJECT}, operation_id="compare"
    )
    def get(self, request: Request) -> HttpResponse:
        """Settings, measures with intervals, curves, and a paired test of each run against the first."""
        wanted = valid(shapes.CompareRequest, request.query_params)
        visible = Run.objects.visible_to(person_of(request)).select_related("version__dataset")
        found = visible.in_bulk(wanted["runs"])
        if missing := [str(pk) for pk in wanted["runs"] if pk not in found]:
            message = _("There is no run %(runs)s.") % {"runs": ", ".join(missing)}
            raise UserError(message, _("Check the numbers and your access."), code="not_found", status=404)
        return _json(compare([found[pk] for pk in wanted["runs"]], wanted["points"], wanted["x"]))


async def run_events(request: HttpRequest, pk: str) -> HttpResponseBase:
    """Check who asks and which run as for every other call; then either answer, or begin the stream."""
    cursor = await sync_to_async(live.latest, thread_sensitive=False)(f"run-{pk}")
    view = RunViewSet.as_view({"get": "events"}, renderer_classes=[EventStream, JSONRenderer])
    answer = await sync_to_async(view)(request, pk=pk)
    if answer.status_code != 200 or answer.accepted_renderer.format != EventStream.format:
        return cast(HttpResponseBase, answer)
    return await live.event_stream(request, f"run-{pk}", since=cursor, greeting=[("status", answer.data)])


def _wants_stream(request: Request) -> bool:
    return bool(request.accepted_renderer.format == EventStream.format)


def _json(data: Any) -> HttpResponse:
    return HttpResponse(series.dumps(data), content_type="application/json")


def _filtered(runs: QuerySet[Run], request: Request) -> QuerySet[Run]:
    """By what the query asks for; a number that is none finds nothing."""
    asked = request.query_params
    for name, field in (("project", "project"), ("dataset", "version__dataset")):
        if name in asked:
            runs = runs.filter(**{field: int(asked[name])}) if asked[name].isdigit() else runs.none()
    for name in ("status", "task", "architecture"):
        if name in asked:
            runs = runs.filter(**{name: asked[name]})
    return runs.filter(name__icontains=asked["search"]) if asked.get("search") else runs
