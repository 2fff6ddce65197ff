"""The Celery application: three kinds of worker, told apart by queue."""

import os
import threading
from typing import Any

from celery import Celery
from celery.signals import worker_ready, worker_shutting_down

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "webapp.settings")

from django.conf import settings


def _broker_url() -> str:
    """The Redis address as kombu writes it."""
    return settings.REDIS_URL.replace("unix://", "redis+socket://", 1)


app = Celery("touchstone", broker=_broker_url())
app.conf.update(
    task_default_queue="default",
    task_routes={
        "webapp.runs.jobs.execute_run": {"queue": "train"},
        "webapp.playground.jobs.*": {"queue": "playground"},
    },
    task_ignore_result=True,
    task_acks_late=False,  # the database decides who runs what; a message is only the bell
    worker_prefetch_multiplier=1,
    worker_disable_prefetch=True,  # with prefetch 1 a busy worker still holds a second run
    worker_hijack_root_logger=False,
    worker_redirect_stdouts=False,
    worker_cancel_long_running_tasks_on_connection_loss=False,
    broker_connection_retry_on_startup=True,
    broker_transport_options={"visibility_timeout": 3600},
    beat_schedule={
        "tend-runs": {"task": "webapp.runs.jobs.tend_runs", "schedule": 15.0},
        "tend-imports": {"task": "webapp.datasets.jobs.tend_imports", "schedule": 30.0},
        "sweep-datasets": {"task": "webapp.datasets.jobs.sweep", "schedule": 3600.0},
    },
)
app.autodiscover_tasks(["webapp.datasets", "webapp.runs", "webapp.playground"], related_name="jobs")


@worker_ready.connect
def start_training(**ignored: Any) -> None:
    """A worker that trains wakes its warm parent and takes up what its predecessor left."""
    if "train" in app.amqp.queues.consume_from:
        from webapp.runs import jobs

        threading.Thread(target=jobs.greet, daemon=True, name="greet").start()


@worker_shutting_down.connect
def stop_training(**ignored: Any) -> None:
    """Engines save their checkpoints before the worker ends; their runs go back into the queue."""
    from webapp.core import engine

    engine.closing.set()
