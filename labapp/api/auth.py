"""Who makes a request: the bearer of an API token, else the person signed in with this browser."""

from django.http import HttpRequest
from ninja.errors import AuthenticationError
from ninja.security import HttpBasicAuth, HttpBearer, SessionAuth

from labapp.accounts import access
from labapp.accounts.models import Membership, User
from labapp.accounts.tokens import membership_of_token


class TokenAuth(HttpBearer):
    """`Authorization: Bearer merit_…`: the request acts as the token's user in the token's team."""

    def authenticate(self, request: HttpRequest, token: str) -> Membership:
        """The token's membership; a token that does not count is refused even if the browser is signed in."""
        return _acts(request, token)


class TokenInAddress(HttpBasicAuth):
    """`http://token:merit_…@host/…`, for clients that take an address and send no headers of their own."""

    def authenticate(self, request: HttpRequest, username: str, password: str) -> Membership:
        """The membership of the token that stands as the password; the name before it says nothing."""
        return _acts(request, password)


def _acts(request: HttpRequest, token: str) -> Membership:
    membership = membership_of_token(token)
    if membership is None:
        raise AuthenticationError
    request.user = membership.user
    access.use_team(request, membership)
    return membership


class BrowserAuth(SessionAuth):
    """Who is signed in with this browser. Only there is a form's secret asked for: a program that forgot its token is
    to hear that, and nothing of CSRF."""

    def __call__(self, request: HttpRequest) -> User | None:
        """The signed-in user; None for a stranger."""
        found: User | None = super().__call__(request) if request.user.is_authenticated else None
        return found


AUTH = (TokenAuth(), TokenInAddress(), BrowserAuth())


def caller(request: HttpRequest) -> User:
    """The user who makes the request; only for views behind AUTH."""
    assert isinstance(request.user, User)
    return request.user
