"""REST for files that are too large for one request: chunks with checksums that go on after an interruption."""

from contextlib import suppress
from typing import Any, cast
from uuid import UUID

from django.conf import settings
from django.shortcuts import get_object_or_404
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework import serializers, viewsets
from rest_framework.decorators import action
from rest_framework.parsers import JSONParser
from rest_framework.request import Request
from rest_framework.response import Response

from webapp.core.bodies import SenderGone, blocks_of
from webapp.datasets import services
from webapp.datasets.api import seat_of
from webapp.datasets.models import Upload
from webapp.datasets.serializers import StartedSerializer
from webapp.datasets.uploading import uploads
from webapp.datasets.uploading.arrived import received_bytes
from webapp.projects.models import User


class StartSerializer(serializers.Serializer[Any]):
    """A file that will come in chunks."""

    project = serializers.IntegerField(required=False, help_text="Left out: the first project you are in.")
    filename = serializers.CharField(max_length=255)
    size = serializers.IntegerField(min_value=1, help_text="Bytes of the whole file.")
    fingerprint = serializers.CharField(
        required=False, max_length=400, help_text="Anything that tells the file; the same one goes on where it stopped."
    )


class PlaceSerializer(serializers.Serializer[Upload]):
    """How far a file has come."""

    id = serializers.UUIDField(source="pk")
    received = serializers.IntegerField(help_text="Bytes that are safe: the next chunk begins there.")
    size = serializers.IntegerField()
    chunk = serializers.SerializerMethodField(help_text="Bytes that a chunk may have at most.")

    def get_chunk(self, upload: Upload) -> int:
        """The same for every file."""
        return int(settings.UPLOAD_CHUNK)


class FinishSerializer(serializers.Serializer[Any]):
    """Complete files that become one data set."""

    uploads = serializers.ListField(child=serializers.UUIDField(), min_length=1)
    name = serializers.CharField(required=False, max_length=120)
    checksums = serializers.ListField(
        child=serializers.CharField(), required=False, help_text="Of the whole files, in order: crc32=… or sha256=…"
    )


@extend_schema(tags=["uploads"])
class UploadViewSet(viewsets.GenericViewSet[Upload]):
    """Files on their way in."""

    queryset = Upload.objects.none()
    serializer_class = PlaceSerializer
    parser_classes = (JSONParser,)
    lookup_value_regex = "[0-9a-f-]{36}"

    @extend_schema(request=StartSerializer, responses={201: PlaceSerializer})
    def create(self, request: Request) -> Response:
        """Begin a file, or go on with the one of the same fingerprint and size."""
        form = StartSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        wanted = form.validated_data
        upload = uploads.start_upload(
            member=seat_of(cast(User, request.user), wanted.get("project")),
            filename=wanted["filename"],
            size=wanted["size"],
            fingerprint=wanted.get("fingerprint", ""),
        )
        return Response(PlaceSerializer(upload).data, status=201)

    @extend_schema(
        request={"application/octet-stream": OpenApiTypes.BINARY},
        parameters=[
            OpenApiParameter("Upload-Offset", int, OpenApiParameter.HEADER, required=True),
            OpenApiParameter(
                "Upload-Checksum",
                str,
                OpenApiParameter.HEADER,
                required=True,
                description="crc32=… or sha256=…, in hex.",
            ),
        ],
        responses=PlaceSerializer,
    )
    def update(self, request: Request, pk: str) -> Response:
        """Take one chunk; 409 says from which byte to go on, 422 that it arrived damaged."""
        upload = self._mine(UUID(pk))
        blocks = blocks_of(request._request)
        offset = request.headers.get("Upload-Offset", "")
        try:
            upload.received = uploads.write_chunk(
                upload,
                offset=int(offset) if offset.isdecimal() and len(offset) < 16 else -1,
                blocks=blocks,
                checksum=request.headers.get("Upload-Checksum", ""),
            )
        except SenderGone:
            return Response(status=400)  # nobody reads it
        finally:
            with suppress(SenderGone):
                for _block in blocks:
                    pass  # many programs read no answer before they have sent everything
        return Response(PlaceSerializer(upload).data)

    @extend_schema(responses=PlaceSerializer)
    def retrieve(self, request: Request, pk: str) -> Response:
        """How far the file has come."""
        upload = self._mine(UUID(pk))
        upload.received = received_bytes(upload)
        return Response(PlaceSerializer(upload).data)

    @extend_schema(responses={204: None})
    def destroy(self, request: Request, pk: str) -> Response:
        """Forget the file."""
        uploads.drop_upload(self._mine(UUID(pk)))
        return Response(status=204)

    @extend_schema(request=FinishSerializer, responses={202: StartedSerializer})
    @action(detail=False, methods=["post"])
    def finish(self, request: Request) -> Response:
        """Make one data set of complete files; it is read in the background."""
        form = FinishSerializer(data=request.data)
        form.is_valid(raise_exception=True)
        files = [self._mine(pk) for pk in form.validated_data["uploads"]]
        known = {key: form.validated_data[key] for key in ("name", "checksums") if key in form.validated_data}
        dataset = services.finish_uploads(files, **known)
        return Response({"id": dataset.pk, "status": dataset.status}, status=202)

    def _mine(self, pk: UUID) -> Upload:
        person = cast(User, self.request.user)
        return get_object_or_404(Upload, pk=pk, owner=person, project__memberships__user=person)
