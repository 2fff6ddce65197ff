"""Every address. Each app brings whole paths: pages in its urls.py, REST calls below /api/v1/ in its api_urls.py."""

from django.contrib.staticfiles.urls import staticfiles_urlpatterns
from django.urls import include, path
from drf_spectacular.views import SpectacularAPIView, SpectacularSwaggerSplitView

from webapp.home import home
from webapp.metrics import metrics

urlpatterns = [
    path("", home, name="home"),
    path("metrics", metrics, name="metrics"),
    path("account/", include("allauth.urls")),
    path("api/schema/", SpectacularAPIView.as_view(), name="schema"),
    path("api/docs/", SpectacularSwaggerSplitView.as_view(), name="api-docs"),
]
for app in ("core", "projects", "datasets", "pretrained", "runs", "playground"):
    urlpatterns += [path("", include(f"webapp.{app}.urls")), path("api/v1/", include(f"webapp.{app}.api_urls"))]
urlpatterns += staticfiles_urlpatterns()  # only while DEBUG; otherwise the server hands them out itself
