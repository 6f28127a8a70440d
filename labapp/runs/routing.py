"""Addresses of the sockets."""

from typing import Any

from django.urls import path

from labapp.runs.consumers import RunFeed

run_feed: Any = RunFeed.as_asgi()  # Django's `path` is typed for views; the URLRouter of Channels calls it as ASGI
websocket_urlpatterns = [path("ws/runs/<uuid:run_id>/", run_feed)]
