"""The one entry for the web: pages over HTTP, live runs over a websocket."""

import os
from typing import Any, cast

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labapp.settings")
pages = get_asgi_application()

# Django's registry must be filled before models are imported, so this import stands here.
from labapp.runs.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        # A page of another site must not open a socket with our user's cookie: the origin is checked first.
        "websocket": AllowedHostsOriginValidator(
            AuthMiddlewareStack(URLRouter(cast("list[Any]", websocket_urlpatterns)))
        ),
    }
)
