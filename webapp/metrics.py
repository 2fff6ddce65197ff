"""Figures for Prometheus: the requests of this process, and the runs in the database."""

from hmac import compare_digest

from django.conf import settings
from django.core.exceptions import PermissionDenied
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest

from webapp.datasets.models import Dataset
from webapp.runs.models import Run

LOOPBACK = ("127.0.0.1", "::1", "")


@require_GET
def metrics(request: HttpRequest) -> HttpResponse:
    """For this machine, for administrators, and for whoever brings TOUCHSTONE_METRICS_TOKEN."""
    if not (_is_local(request) or _brings_token(request) or getattr(request.user, "is_superuser", False)):
        raise PermissionDenied(_("Figures are for administrators, or for a scraper with the metrics token."))
    return HttpResponse(generate_latest() + generate_latest(_rows()), content_type=CONTENT_TYPE_LATEST)


def _is_local(request: HttpRequest) -> bool:
    """Straight from this machine, not through a proxy on it."""
    return request.META.get("REMOTE_ADDR", "") in LOOPBACK and "HTTP_X_FORWARDED_FOR" not in request.META


def _brings_token(request: HttpRequest) -> bool:
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    return bool(settings.METRICS_TOKEN) and compare_digest(given.encode(), settings.METRICS_TOKEN.encode())


def _rows() -> CollectorRegistry:
    """How many runs and datasets are in which state; `queued` is the queue's length."""
    registry = CollectorRegistry()
    runs = Gauge("touchstone_runs", "Runs by state", ["status"], registry=registry)
    datasets = Gauge("touchstone_datasets", "Datasets by state", ["status"], registry=registry)
    for gauge, model in ((runs, Run), (datasets, Dataset)):
        counts = dict(model.objects.order_by().values_list("status").annotate(Count("pk")))
        for status in model.Status.values:
            gauge.labels(status).set(counts.get(status, 0))
    return registry
