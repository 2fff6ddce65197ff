"""What every part of the REST API shares: pages of results and one shape of error."""

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from django.utils.translation import gettext as _
from rest_framework import exceptions
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import exception_handler

from training.errors import TrainingError
from webapp.core.errors import UserError, error_body, log_bug


class Pages(PageNumberPagination):
    """Lists as `{"count", "next", "previous", "results"}`."""

    page_size_query_param = "page_size"
    max_page_size = 500


def error_response(error: Exception, context: dict[str, Any]) -> Response:
    """Turn whatever a view raised into an answer that says what to do next; our own bugs are logged under an id."""
    if isinstance(error, UserError):
        return Response(error_body(error.code, error.message, error.hint), status=error.status)
    if isinstance(error, TrainingError):
        return Response(error_body(error.code, error.message, error.hint), status=400)
    answer = exception_handler(error, context)
    if answer is None:
        return _bug(context["request"])
    answer.data = _known(error, answer)
    return answer


def _known(error: Exception, answer: Response) -> dict[str, dict[str, str]]:
    if isinstance(error, Http404):
        return error_body("not_found", _("There is nothing here."), _("Check the address and your access to it."))
    if isinstance(error, PermissionDenied):
        return error_body("forbidden", str(error) or _("You may not do this."), _("Ask an owner of the project."))
    if isinstance(error, exceptions.ValidationError):
        return error_body("invalid", _first_words(error.detail), _("Correct it and send it again."))
    if isinstance(error, exceptions.NotAuthenticated | exceptions.AuthenticationFailed):
        hint = _("Send “Authorization: Bearer <token>”; make a token under API tokens.")
        return error_body("not_authenticated", str(error.detail), hint)
    if isinstance(error, exceptions.APIException):
        return error_body(str(error.default_code), str(error.detail), _("The API’s pages are at /api/docs/."))
    return error_body("error", str(answer.data))


def _first_words(detail: Any, field: str = "") -> str:
    """The first message of DRF's nested lists and dictionaries, behind its field's name."""
    if isinstance(detail, dict):
        name, inner = next(iter(detail.items()))
        return _first_words(inner, "" if name == "non_field_errors" else str(name))
    if isinstance(detail, list):
        return _first_words(next(part for part in detail if part), field)
    return f"{field}: {detail}" if field else str(detail)


def _bug(request: Request) -> Response:
    number = log_bug(request.path)
    message = _("Touchstone made a mistake. It is logged as %(number)s.") % {"number": number}
    return Response(
        error_body("internal", message, _("Try again; if it stays, tell your administrator the number.")), 500
    )
