"""REST addresses of runs."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from webapp.runs.api import CompareView, RunFileView, RunViewSet, run_events
from webapp.runs.folds.api import CrossValidationViewSet

router = SimpleRouter()
router.register("cross-validations", CrossValidationViewSet, basename="api-cross-validation")
router.register("runs", RunViewSet, basename="api-run")
urlpatterns = [
    path("runs/<int:pk>/events/", run_events, name="run-events"),
    path("runs/<int:pk>/series/", RunViewSet.as_view({"get": "series"}), name="run-series"),
    path("runs/<int:pk>/files/<path:path>", RunFileView.as_view(), name="run-file"),
    path("compare/", CompareView.as_view(), name="api-compare"),
    *router.urls,
]
