"""Addresses of the pages that belong to no app."""

from django.conf import settings
from django.urls import path

from webapp.core import health, views

urlpatterns = [
    path("healthz", health.healthz, name="healthz"),
    path("readyz", health.readyz, name="readyz"),
    path("catalog/", views.catalog, name="catalog"),
    path("catalog/tasks/<slug:key>/", views.task, name="catalog-task"),
    path("catalog/architectures/<slug:key>/", views.architecture, name="catalog-architecture"),
]
if settings.DEBUG:
    urlpatterns.append(path("styleguide/", views.styleguide, name="styleguide"))
