"""How the OpenAPI page learns what a view accepts."""

from typing import Any

from django.http import HttpRequest
from rest_framework.request import Request
from rest_framework.views import APIView


def pretended_request(method: str, path: str, view: APIView, original_request: Request | None, **_: Any) -> Request:
    """A request as drf-spectacular shows it to a view; unlike its own it needs no test client, which is large."""
    pretended = HttpRequest()
    pretended.method, pretended.path = method.upper(), path
    pretended.META = {"REQUEST_METHOD": method.upper(), "SERVER_NAME": "localhost", "SERVER_PORT": "80"}
    request = view.initialize_request(pretended)
    if original_request is not None:
        request.user, request.auth = original_request.user, original_request.auth
    return request
