"""What stands before every view: a reference for errors, the content policy, and the demand to sign in."""

import secrets
from collections.abc import Callable
from typing import Any

from django.contrib.auth.middleware import LoginRequiredMiddleware
from django.http import HttpRequest, HttpResponseBase

Respond = Callable[[HttpRequest], HttpResponseBase]

CONTENT_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",  # Plotly writes style attributes into its drawings
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'none'",
    )
)

# These answer for themselves: the API knows tokens and says 401 in JSON, the health pages are for machines.
OWN_GUARD = ("/api/", "/healthz", "/readyz")


class ReferenceMiddleware:
    """Gives each request a short reference, which error pages show and log lines carry."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the reference in the header X-Reference."""
        request.META["merit.reference"] = secrets.token_hex(4)
        response = self.get_response(request)
        response["X-Reference"] = request.META["merit.reference"]
        return response


class ContentPolicyMiddleware:
    """Nothing is loaded from another host and no inline script runs, on any page."""

    def __init__(self, get_response: Respond) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Answer with the policy, unless the view set a stricter one."""
        response = self.get_response(request)
        response.headers.setdefault("Content-Security-Policy", CONTENT_POLICY)
        return response


class SignInMiddleware(LoginRequiredMiddleware):
    """Every page asks for a sign-in unless its view is marked `login_not_required`."""

    def process_view(
        self,
        request: HttpRequest,
        view_func: Callable[..., Any],
        view_args: tuple[Any, ...],
        view_kwargs: dict[str, Any],
    ) -> HttpResponseBase | None:
        """Leave the addresses with a guard of their own alone."""
        if request.path_info.startswith(OWN_GUARD):
            return None
        answer: HttpResponseBase | None = super().process_view(request, view_func, view_args, view_kwargs)
        return answer
