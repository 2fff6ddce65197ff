"""Addresses of data sets and of files on their way in."""

from django.urls import path

from webapp.datasets import views
from webapp.datasets.labelling import views as label_views
from webapp.datasets.uploading import views as upload_views
from webapp.datasets.versions import download_views
from webapp.datasets.versions import views as version_views

urlpatterns = [
    path("datasets/", views.datasets, name="datasets"),
    path("datasets/new/", views.new, name="dataset-new"),
    path("datasets/events/", views.list_events, name="datasets-events"),
    path("datasets/starters/<slug:key>/", views.add_starter, name="dataset-starter"),
    path("datasets/hub/", views.add_from_hub, name="dataset-hub"),
    path("datasets/uploads/", upload_views.start, name="upload-start"),
    path("datasets/uploads/<uuid:pk>/", upload_views.upload, name="upload"),
    path("datasets/uploads/finish/", upload_views.finish, name="upload-finish"),
    path("datasets/<int:pk>/", views.dataset, name="dataset"),
    path("datasets/<int:pk>/events/", views.events, name="dataset-events"),
    path("datasets/<int:pk>/first/", views.glance, name="dataset-glance"),
    path("datasets/<int:pk>/use/", views.use, name="dataset-use"),
    path("datasets/<int:pk>/rename/", views.rename, name="dataset-rename"),
    path("datasets/<int:pk>/about/", views.describe, name="dataset-about"),
    path("datasets/<int:pk>/tags/", views.tag, name="dataset-tags"),
    path("datasets/<int:pk>/archive/", views.archive, name="dataset-archive"),
    path("datasets/<int:pk>/delete/", views.delete, name="dataset-delete"),
    path("datasets/<int:pk>/rows/<int:row>/<int:column>/", download_views.cell, name="dataset-cell"),
    path("datasets/<int:pk>/v<int:number>/revise/", version_views.revise, name="dataset-revise"),
    path("datasets/<int:pk>/v<int:number>/sheet/", version_views.read_sheet, name="dataset-sheet"),
    path("datasets/<int:pk>/v<int:number>/compare/", version_views.compare, name="dataset-compare"),
    path("datasets/<int:pk>/v<int:number>/delete/", version_views.delete_version, name="dataset-version-delete"),
    path("datasets/<int:pk>/label/", label_views.label, name="dataset-label"),
    path("datasets/<int:pk>/label/give/", label_views.give, name="dataset-label-give"),
    path("datasets/<int:pk>/label/save/", label_views.save, name="dataset-label-save"),
    path("datasets/<int:pk>/original/", download_views.original, name="dataset-original"),
    path("datasets/<int:pk>/v<int:number>/set-aside/", download_views.set_aside, name="dataset-aside"),
    path("datasets/<int:pk>/v<int:number>.parquet", download_views.parquet, name="dataset-parquet"),
    path("datasets/<int:pk>/v<int:number>.csv", download_views.csv, name="dataset-csv"),
]
