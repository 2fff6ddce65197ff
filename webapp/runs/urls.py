"""Addresses of the pages of runs."""

from django.urls import path

from webapp.runs import views
from webapp.runs.experiments import views as experiment_views
from webapp.runs.folds import views as folds_views

urlpatterns = [
    path("runs/", views.list_runs, name="runs"),
    path("runs/new/", views.new_run, name="run-new"),
    path("runs/<int:pk>/", views.show_run, name="run"),
    path("runs/<int:pk>/predictions/", views.show_predictions, name="run-predictions"),
    path("runs/<int:pk>/stop/", views.stop_run, name="run-stop"),
    path("runs/<int:pk>/resume/", views.resume_run, name="run-resume"),
    path("runs/<int:pk>/retry/", views.retry_run, name="run-retry"),
    path("runs/<int:pk>/rename/", views.rename_run, name="run-rename"),
    path("runs/<int:pk>/delete/", views.delete_run, name="run-delete"),
    path("experiments/<slug:key>/", experiment_views.show_experiment, name="experiment"),
    path("experiments/<slug:key>/start/", experiment_views.start_experiment, name="experiment-start"),
    path("runs/cross-validations/<int:pk>/", folds_views.show_folds, name="cross-validation"),
    path("runs/cross-validations/<int:pk>/stop/", folds_views.stop_folds, name="cross-validation-stop"),
    path("compare/", views.compare_runs, name="compare"),
    path("queue/", views.show_queue, name="queue"),
]
