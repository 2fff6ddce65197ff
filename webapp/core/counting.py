"""Counts and times every request, for /metrics."""

import time
from collections.abc import Awaitable, Callable
from typing import cast

from asgiref.sync import iscoroutinefunction
from django.http import HttpRequest, HttpResponseBase
from django.utils.decorators import sync_and_async_middleware
from prometheus_client import Counter, Histogram

REQUESTS = Counter("touchstone_requests", "Requests by view, method and status", ["view", "method", "status"])
SECONDS = Histogram("touchstone_request_seconds", "Seconds until the answer began, by view", ["view"])
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})

Answer = Callable[[HttpRequest], HttpResponseBase]
AsyncAnswer = Callable[[HttpRequest], Awaitable[HttpResponseBase]]


@sync_and_async_middleware
def count_requests(get_response: Answer | AsyncAnswer) -> Answer | AsyncAnswer:
    """Middleware; async where the server is, so that an open event stream costs no thread."""
    if iscoroutinefunction(get_response):

        async def later(request: HttpRequest) -> HttpResponseBase:
            begin = time.perf_counter()
            response = await cast(AsyncAnswer, get_response)(request)
            _count(request, response, begin)
            return response

        return later

    def now(request: HttpRequest) -> HttpResponseBase:
        begin = time.perf_counter()
        response = cast(Answer, get_response)(request)
        _count(request, response, begin)
        return response

    return now


def _count(request: HttpRequest, response: HttpResponseBase, begin: float) -> None:
    view = (request.resolver_match and request.resolver_match.url_name) or "none"
    method = request.method if request.method in METHODS else "other"
    REQUESTS.labels(view, method, response.status_code).inc()
    SECONDS.labels(view).observe(time.perf_counter() - begin)
