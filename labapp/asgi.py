"""The one entry for the web: pages over HTTP, live runs over a websocket."""

import os
import warnings

# Only some pages need these three, but they all load numpy from C: two requests that import them at the same moment can
# leave numpy half imported for the life of the process. Together they cost a sixth of a second.
import moocore  # noqa: F401
import pyarrow.compute
import pyarrow.parquet  # noqa: F401
from channels.auth import AuthMiddlewareStack
from channels.routing import ProtocolTypeRouter, URLRouter
from channels.security.websocket import AllowedHostsOriginValidator
from django.core.asgi import get_asgi_application

# Static files are read whole before they are sent, which for files of a few megabytes is what we want.
warnings.filterwarnings("ignore", message="StreamingHttpResponse must consume synchronous iterators")
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "labapp.settings")
pages = get_asgi_application()

# Django's registry must be filled before models are imported, so this import stands here.
from labapp.runs.routing import websocket_urlpatterns  # noqa: E402

application = ProtocolTypeRouter(
    {
        "http": pages,
        # A page of another site must not open a socket with our user's cookie: the origin is checked first.
        "websocket": AllowedHostsOriginValidator(AuthMiddlewareStack(URLRouter(websocket_urlpatterns))),
    }
)
