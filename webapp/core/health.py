"""Is this process alive, and is what it needs within reach."""

import logging
import time

from django.conf import settings
from django.db import connection
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from redis import Redis
from redis.exceptions import RedisError

from webapp.celery import app

logger = logging.getLogger(__name__)

QUEUES = ("default", "train", "playground")
REMEMBERED_SECONDS = 5.0
PING_SECONDS = 0.7

_redis = Redis.from_url(settings.REDIS_URL, socket_timeout=PING_SECONDS, socket_connect_timeout=PING_SECONDS)


@never_cache
def healthz(request: HttpRequest) -> HttpResponse:
    """This process answers."""
    return HttpResponse("ok\n", content_type="text/plain")


@never_cache
def readyz(request: HttpRequest) -> JsonResponse:
    """Database, Redis and a worker for each queue are there; 503 with what is missing if not."""
    state = {"database": _database_answers(), "redis": _redis_answers()}
    workers = _workers() if state["redis"] else dict.fromkeys(QUEUES, 0)
    ready = all(state.values()) and all(workers.values())
    return JsonResponse({"ready": ready, **state, "workers": workers}, status=200 if ready else 503)


def _database_answers() -> bool:
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except Exception:  # whatever the driver raises, the answer is no
        logger.exception("The database does not answer")
        return False
    return True


def _redis_answers() -> bool:
    try:
        return bool(_redis.ping())
    except RedisError:
        logger.exception("Redis does not answer")
        return False


_workers_seen: tuple[float, dict[str, int]] = (-REMEMBERED_SECONDS, {})


def _workers() -> dict[str, int]:
    """How many workers listen to each queue; asked at most every few seconds."""
    global _workers_seen
    asked, workers = _workers_seen
    if time.monotonic() - asked > REMEMBERED_SECONDS:
        workers = _ask_workers()
        _workers_seen = (time.monotonic(), workers)
    return workers


def _ask_workers() -> dict[str, int]:
    answers = app.control.inspect(timeout=PING_SECONDS).active_queues() or {}
    names = [queue["name"] for queues in answers.values() for queue in queues]
    return {queue: names.count(queue) for queue in QUEUES}
