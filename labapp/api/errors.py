"""Every refusal of the API in one shape: `{"error": {"where", "what", "mend"}}`, with a status that fits."""

import logging
from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from ninja import NinjaAPI
from ninja.errors import AuthenticationError, HttpError, ValidationError

from workers.contract.errors import Trouble

logger = logging.getLogger("merit.api")


class Refusal(Exception):
    """A request that cannot be done: the place in it, a sentence, and what to do about it.

    `troubles` lists everything wrong with a run's document; where, what and mend are then those of the first.
    """

    def __init__(self, status: int, where: str, what: str, mend: str = "", troubles: Iterable[Trouble] = ()) -> None:
        super().__init__(what)
        self.status, self.where, self.what, self.mend, self.troubles = status, where, what, mend, tuple(troubles)


def refused_spec(troubles: list[Trouble]) -> Refusal:
    """The refusal of a run whose document has these troubles."""
    first = troubles[0]
    mend = "; ".join(f"set {path} to {value!r}" for path, value in first.fix.items())
    return Refusal(422, f"spec.{first.path}", first.what, mend, troubles)


def shape(where: str, what: str, mend: str = "") -> dict[str, Any]:
    """The one shape."""
    return {"error": {"where": where, "what": what, "mend": mend}}


def install(api: NinjaAPI) -> None:
    """Let `api` answer every refusal in the one shape."""

    def answer(request: HttpRequest, status: int, body: dict[str, Any]) -> HttpResponse:
        return api.create_response(request, body, status=status)

    @api.exception_handler(Refusal)
    def refusal(request: HttpRequest, error: Refusal) -> HttpResponse:
        body = shape(error.where, error.what, error.mend)
        if error.troubles:
            body["error"]["troubles"] = [asdict(trouble) for trouble in error.troubles]
        return answer(request, error.status, body)

    @api.exception_handler(AuthenticationError)
    def stranger(request: HttpRequest, error: AuthenticationError) -> HttpResponse:
        mend = "Send the header `Authorization: Bearer <API token>`, or sign in."
        response = answer(request, 401, shape("authorization", "This request says not who makes it.", mend))
        response["WWW-Authenticate"] = 'Bearer realm="merit"'
        return response

    @api.exception_handler(PermissionDenied)
    def denied(request: HttpRequest, error: PermissionDenied) -> HttpResponse:
        return answer(request, 403, shape("rights", str(error) or "You may not do this."))

    @api.exception_handler(Http404)
    def missing(request: HttpRequest, error: Http404) -> HttpResponse:
        what = str(error) or "There is nothing here, or it belongs to another team."
        return answer(request, 404, shape("address", what))

    @api.exception_handler(ValidationError)
    def invalid(request: HttpRequest, error: ValidationError) -> HttpResponse:
        first = error.errors[0]
        where = ".".join(str(part) for part in first.get("loc", ()))
        return answer(request, 422, shape(where, str(first.get("msg", "is not valid"))))

    @api.exception_handler(HttpError)
    def other(request: HttpRequest, error: HttpError) -> HttpResponse:
        return answer(request, error.status_code, shape("request", str(error)))
