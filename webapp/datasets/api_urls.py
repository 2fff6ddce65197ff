"""REST addresses of data sets."""

from django.urls import path
from rest_framework.routers import SimpleRouter

from webapp.datasets.api import DatasetViewSet
from webapp.datasets.labelling.api import LabelsView, SaveLabelsView
from webapp.datasets.uploading.api import UploadViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="api-dataset")
router.register("uploads", UploadViewSet, basename="api-upload")
urlpatterns = [
    path("datasets/<int:pk>/labels/", LabelsView.as_view(), name="api-labels"),
    path("datasets/<int:pk>/labels/save/", SaveLabelsView.as_view(), name="api-labels-save"),
    *router.urls,
]
