"""REST addresses that belong to no app."""

from django.urls import path

from webapp.core import catalog_api

urlpatterns = [path("catalog/", catalog_api.catalog, name="api-catalog")]
