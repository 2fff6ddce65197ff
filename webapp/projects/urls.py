"""Addresses of projects, people and tokens."""

from django.urls import path

from webapp.projects import views

urlpatterns = [
    path("projects/", views.projects, name="projects"),
    path("projects/<int:pk>/", views.project, name="project"),
    path("projects/<int:pk>/switch/", views.switch, name="project-switch"),
    path("projects/<int:pk>/rename/", views.rename, name="project-rename"),
    path("projects/<int:pk>/people/", views.add_person, name="project-add"),
    path("projects/<int:pk>/people/<int:member>/role/", views.change_role, name="project-role"),
    path("projects/<int:pk>/people/<int:member>/remove/", views.remove, name="project-remove"),
    path("projects/<int:pk>/invitations/<int:invitation>/withdraw/", views.withdraw, name="project-withdraw"),
    path("join/<str:key>/", views.join, name="join"),
    path("tokens/", views.tokens, name="tokens"),
    path("tokens/<str:key>/revoke/", views.revoke, name="token-revoke"),
]
