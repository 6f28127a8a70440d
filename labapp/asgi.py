"""The one entry for the web: pages over HTTP, live runs over a websocket."""

import importlib.util
import os

from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labapp.settings")
pages = get_asgi_application()

if importlib.util.find_spec("labapp.runs") and importlib.util.find_spec("labapp.runs.routing"):
    from labapp.runs.routing import websocket_urlpatterns
else:
    websocket_urlpatterns = []

application = ProtocolTypeRouter(
    {
        "http": pages,
        # A page of another site must not open a socket with our user's cookie: the origin is checked first.
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
