"""The app that every other one stands on."""

from django.apps import AppConfig


class CoreConfig(AppConfig):
    """Brings the Celery application into every process, so that whoever queues a job finds our broker."""

    name = "webapp.core"

    def ready(self) -> None:
        """Called once all apps are loaded."""
        from webapp import celery  # noqa: F401
