"""REST addresses of the playground."""

from django.urls import path

from webapp.playground.api import PredictView

urlpatterns = [path("runs/<int:pk>/predict/", PredictView.as_view(), name="api-predict")]
