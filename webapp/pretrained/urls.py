"""Addresses of pretrained models."""

from django.urls import path

from webapp.pretrained import views

urlpatterns = [
    path("models/", views.models, name="models"),
    path("models/<int:pk>/delete/", views.delete, name="model-delete"),
]
