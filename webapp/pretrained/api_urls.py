"""REST addresses of pretrained models."""

from rest_framework.routers import SimpleRouter

from webapp.pretrained.api import OwnModelViewSet

router = SimpleRouter()
router.register("models", OwnModelViewSet, basename="api-model")
urlpatterns = router.urls
