"""Errors become words: a page, a message for htmx, or JSON."""

from django.conf import settings
from django.core.exceptions import BadRequest, PermissionDenied, SuspiciousOperation
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import render
from django.utils.deprecation import MiddlewareMixin
from django.utils.translation import gettext as _

from training.errors import TrainingError
from webapp.core.errors import UserError, error_body, log_bug

DJANGOS_OWN = (Http404, SuspiciousOperation, BadRequest)
"""Answered by Django with 404.html and 400.html."""


class FriendlyErrors(MiddlewareMixin):
    """Answers what people can mend with words, and our own mistakes with an id that is in the log."""

    def process_exception(self, request: HttpRequest, error: Exception) -> HttpResponse | None:
        """Called by Django with whatever a view raised."""
        if isinstance(error, UserError):
            return error_answer(request, error)
        if isinstance(error, TrainingError):
            return error_answer(request, UserError(error.message, error.hint, code=error.code))
        if isinstance(error, PermissionDenied):
            return error_answer(request, _forbidden(error))
        if settings.DEBUG or isinstance(error, DJANGOS_OWN):
            return None
        return error_answer(request, _bug(request))


def error_answer(request: HttpRequest, error: UserError) -> HttpResponse:
    """Say it in the form the browser asked for; htmx shows it as a message and leaves the page as it is."""
    if request.headers.get("HX-Request"):
        answer = render(request, "core/_error_toast.html", {"error": error}, status=error.status)
        answer["HX-Retarget"], answer["HX-Reswap"] = "#toasts", "beforeend"
        return answer
    if _wants_json(request):
        return JsonResponse(error_body(error.code, error.message, error.hint), status=error.status)
    page = "500.html" if error.status >= 500 else "core/error.html"  # 500.html needs neither database nor session
    return render(request, page, {"error": error}, status=error.status)


def _wants_json(request: HttpRequest) -> bool:
    return request.path.startswith("/api/") or request.get_preferred_type(["text/html", "application/json"]) == (
        "application/json"
    )


def _forbidden(error: PermissionDenied) -> UserError:
    message = str(error) or _("You may not do this.")
    return UserError(message, _("Ask an owner of the project."), code="forbidden", status=403)


def _bug(request: HttpRequest) -> UserError:
    number = log_bug(request.path)
    return UserError(
        _("Touchstone made a mistake. It is logged as %(number)s.") % {"number": number},
        _("Try again; if it stays, tell your administrator the number."),
        code="internal",
        status=500,
    )
