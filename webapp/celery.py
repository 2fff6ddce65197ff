"""The Celery application: three kinds of worker, told apart by queue."""

import os

from celery import Celery

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

from django.conf import settings


def _broker_url() -> str:
    """The Redis address as kombu writes it."""
    return settings.REDIS_URL.replace("unix://", "redis+socket://", 1)


app = Celery("touchstone", broker=_broker_url())
app.conf.update(
    task_default_queue="default",
    task_routes={"webapp.runs.jobs.execute_run": {"queue": "train"}, "webapp.playground.jobs.*": {"queue": "playground"}},
    task_ignore_result=True,
    task_acks_late=False,  # the database decides who runs what; a message is only the bell
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,  # with prefetch 1 a busy worker still holds a second run
    worker_hijack_root_logger=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
    beat_schedule={
        "tend-runs": {"task": "webapp.runs.jobs.tend_runs", "schedule": 15.0},
    },
)
app.autodiscover_tasks(["webapp.datasets", "webapp.runs", "webapp.playground"], related_name="jobs")
