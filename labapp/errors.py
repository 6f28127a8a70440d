"""The pages for 400, 403, 404 and 500: what was wrong, what to do, and a reference, never a trace."""

import logging

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

logger = logging.getLogger("merit.errors")

WORDS = {
    400: ("This request could not be read", "Go back, reload the page and try again."),
    403: ("You may not do this here", "Ask an owner of the team for the right to do it, or sign in as someone else."),
    404: ("There is nothing at this address", "It may have been deleted, or it belongs to another team."),
    500: (
        "Something failed on our side",
        "Nothing that was recorded is lost. Try again; if it stays, pass on the reference.",
    ),
}


def error_page(request: HttpRequest, status: int, said: str = "") -> HttpResponse:
    """The page for `status`; `said` is a sentence from the view, shown in place of the general advice."""
    heading, advice = WORDS[status]
    reference = request.META.get("merit.reference", "")
    context = {"status": status, "heading": heading, "advice": said or advice, "reference": reference}
    return render(request, f"errors/{status}.html", context, status=status)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400."""
    return error_page(request, 400)


def forbidden(request: HttpRequest, exception: Exception | None = None, reason: str = "") -> HttpResponse:
    """403, also for a form without its CSRF token."""
    said = "This form has expired. Go back, reload the page and send it again." if reason else str(exception or "")
    return error_page(request, 403, said)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404, with the view's own sentence when it gave one."""
    said = exception.args[0] if exception.args and isinstance(exception.args[0], str) else ""
    return error_page(request, 404, said)


def server_error(request: HttpRequest) -> HttpResponse:
    """500: the trace goes to the log under the reference that the page shows."""
    reference = request.META.get("merit.reference", "")
    logger.error("request %s failed at %s", reference, request.path, exc_info=True, extra={"reference": reference})
    return error_page(request, 500)
