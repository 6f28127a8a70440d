"""Rights: what each role may, and that nothing of another team shows itself."""

import pytest
from django.contrib.auth.models import AnonymousUser
from django.contrib.sessions.backends.cache import SessionStore
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest
from django.test import RequestFactory

from labapp.accounts import access
from labapp.accounts.models import ApiToken, Team, User


def request_of(user: User | AnonymousUser) -> HttpRequest:
    request = RequestFactory().get("/")
    request.user = user
    request.session = SessionStore()
    return request


@pytest.mark.parametrize(
    ("role", "allowed"),
    [("owner", {"see", "change", "manage"}), ("member", {"see", "change"}), ("viewer", {"see"})],
)
def test_a_role_allows_this_and_no_more(team: Team, charlie: User, role: str, allowed: set[str]) -> None:
    charlie.memberships.all().delete()
    charlie.memberships.create(team=team, role=role)
    whats: tuple[access.What, ...] = ("see", "change", "manage")
    for what in whats:
        assert access.may(charlie, team, what) == (what in allowed)
        assert access.may_here(request_of(charlie), what) == (what in allowed)


def test_an_outsider_and_a_stranger_may_nothing(team: Team, charlie: User) -> None:
    assert not access.may(charlie, team, "see")
    assert not access.may(AnonymousUser(), team, "see")
    assert access.current_team(request_of(AnonymousUser())) is None


def test_require_says_why(team: Team, vera: User, bob: User) -> None:
    assert access.require(request_of(bob), "change") == team
    with pytest.raises(PermissionDenied, match="change nothing"):
        access.require(request_of(vera), "change")
    with pytest.raises(PermissionDenied, match="Only owners"):
        access.require(request_of(bob), "manage")


def test_rows_of_another_team_do_not_show(alice: User, charlie: User, team: Team) -> None:
    mine = ApiToken.objects.create(user=alice, team=team, name="mine", prefix="x", hash="a" * 64)
    assert list(access.scoped(ApiToken.objects, request_of(alice))) == [mine]
    assert list(access.scoped(ApiToken.objects, request_of(charlie))) == []
    assert access.scoped_get(ApiToken.objects, request_of(alice), pk=mine.pk) == mine
    with pytest.raises(Http404):
        access.scoped_get(ApiToken.objects, request_of(charlie), pk=mine.pk)
    with pytest.raises(Http404):
        access.choose_team(request_of(charlie), team)


def test_someone_without_a_team_is_told(alice: User) -> None:
    alice.memberships.all().delete()
    with pytest.raises(Http404, match="invitation"):
        access.team_of(request_of(alice))
    assert list(access.scoped(ApiToken.objects, request_of(alice))) == []
