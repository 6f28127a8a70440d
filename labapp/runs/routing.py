"""Addresses of the sockets."""

from django.urls import path

from labapp.runs.consumers import RunFeed

websocket_urlpatterns = [path("ws/runs/<uuid:run_id>/", RunFeed.as_asgi())]
