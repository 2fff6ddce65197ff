"""Addresses of the pages where models are tried."""

from django.urls import path

from webapp.playground import views

urlpatterns = [
    path("playground/", views.playground, name="playground"),
    path("playground/<int:pk>/", views.try_run, name="playground-run"),
    path("playground/<int:pk>/ask/", views.ask, name="playground-ask"),
    path("playground/<int:pk>/example/", views.example, name="playground-example"),
    path("playground/ready/<str:name>/", views.try_ready, name="playground-ready"),
    path("playground/chats/<int:pk>/say/", views.say, name="chat-say"),
    path("playground/chats/<int:pk>/again/", views.say_again, name="chat-again"),
    path("playground/chats/<int:pk>/new/", views.new_chat, name="chat-new"),
    path("playground/turns/<int:pk>/", views.turn, name="turn"),
    path("playground/turns/<int:pk>/stop/", views.stop_turn, name="turn-stop"),
    path("playground/turns/<int:pk>/events/", views.turn_events, name="turn-events"),
]
