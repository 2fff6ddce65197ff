"""REST addresses of data sets."""

from rest_framework.routers import SimpleRouter

from webapp.datasets.api import DatasetViewSet

router = SimpleRouter()
router.register("datasets", DatasetViewSet, basename="api-dataset")
urlpatterns = router.urls
