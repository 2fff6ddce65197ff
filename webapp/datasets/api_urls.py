"""REST addresses of data sets."""

from rest_framework.routers import SimpleRouter

from webapp.datasets.api import DatasetViewSet
from webapp.datasets.upload_api import UploadViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="api-dataset")
router.register("uploads", UploadViewSet, basename="api-upload")
urlpatterns = router.urls
