"""The one place of rights: who is in which team, and what a role may see or change.

Views ask `team_of(request)`, filter with `scoped(Model.objects, request)` and guard changes with
`require(request, "change")`; nothing else in the lab compares roles.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from django.contrib.auth.base_user import AbstractBaseUser
from django.contrib.auth.models import AnonymousUser
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse

from labapp.accounts.models import Membership, Role, Team, User

What = Literal["see", "change", "manage"]
Row = TypeVar("Row", bound=models.Model)
P = ParamSpec("P")

ALLOWS: dict[str, frozenset[str]] = {
    Role.OWNER: frozenset({"see", "change", "manage"}),
    Role.MEMBER: frozenset({"see", "change"}),
    Role.VIEWER: frozenset({"see"}),
}
REFUSALS: dict[str, str] = {
    "see": "You are not in this team.",
    "change": "Viewers may look at everything and change nothing. Ask an owner of the team for the role of member.",
    "manage": "Only owners of the team may do this.",
}
_KEPT = "merit_membership"  # attribute on the request, so that one request asks the database once


def role_of(user: AbstractBaseUser | AnonymousUser, team: Team) -> str | None:
    """The user's role in the team, or None for an outsider. One query."""
    if not user.is_authenticated:
        return None
    return Membership.objects.filter(user_id=user.pk, team=team).values_list("role", flat=True).first()


def may(user: AbstractBaseUser | AnonymousUser, team: Team, what: What) -> bool:
    """Whether the user may see, change or manage what belongs to the team. One query."""
    role = role_of(user, team)
    return role is not None and what in ALLOWS[role]


def can_change(user: AbstractBaseUser | AnonymousUser, team: Team) -> bool:
    """Whether the user may change what belongs to the team."""
    return may(user, team, "change")


def person(request: HttpRequest) -> User:
    """The signed-in user, for views that nobody reaches without a sign-in."""
    assert isinstance(request.user, User)
    return request.user


def current_membership(request: HttpRequest) -> Membership | None:
    """The membership under which this request acts: the token's, the chosen team's, else the oldest one."""
    if hasattr(request, _KEPT):
        kept: Membership | None = getattr(request, _KEPT)
        return kept
    found = _find_membership(request)
    setattr(request, _KEPT, found)
    return found


def _find_membership(request: HttpRequest) -> Membership | None:
    if not request.user.is_authenticated:
        return None
    mine = list(Membership.objects.filter(user_id=request.user.pk).select_related("team"))
    chosen = request.session.get("team")
    return next((one for one in mine if one.team_id == chosen), mine[0] if mine else None)


def use_team(request: HttpRequest, membership: Membership | None) -> None:
    """Let this one request act under `membership` (for API tokens, which belong to one team)."""
    setattr(request, _KEPT, membership)


def choose_team(request: HttpRequest, team: Team) -> None:
    """Let this browser act in `team` from now on; 404 for an outsider."""
    if not may(request.user, team, "see"):
        raise Http404
    request.session["team"] = team.pk
    if hasattr(request, _KEPT):
        delattr(request, _KEPT)


def current_team(request: HttpRequest) -> Team | None:
    """The team in which this request acts, or None for someone without any."""
    membership = current_membership(request)
    return None if membership is None else membership.team


def team_of(request: HttpRequest) -> Team:
    """The team in which this request acts; 404 for someone without any."""
    team = current_team(request)
    if team is None:
        raise Http404("You are in no team yet. Ask for an invitation link.")
    return team


def may_here(request: HttpRequest, what: What) -> bool:
    """Whether this request may see, change or manage what belongs to its current team. No further query."""
    membership = current_membership(request)
    return membership is not None and what in ALLOWS[membership.role]


def require(request: HttpRequest, what: What) -> Team:
    """The current team if the request may do `what` there; else 404 (no team) or 403 with a sentence."""
    team = team_of(request)
    if not may_here(request, what):
        raise PermissionDenied(REFUSALS[what])
    return team


def requires(
    what: What,
) -> Callable[
    [Callable[Concatenate[HttpRequest, P], HttpResponse]], Callable[Concatenate[HttpRequest, P], HttpResponse]
]:
    """Decorator for views: `@requires("change")` answers 403 to those who may not."""

    def decorate(
        view: Callable[Concatenate[HttpRequest, P], HttpResponse],
    ) -> Callable[Concatenate[HttpRequest, P], HttpResponse]:
        @wraps(view)
        def guarded(request: HttpRequest, /, *args: P.args, **kwargs: P.kwargs) -> HttpResponse:
            require(request, what)
            return view(request, *args, **kwargs)

        return guarded

    return decorate


def scoped(
    rows: models.Manager[Row] | models.QuerySet[Row], request: HttpRequest, by: str = "team"
) -> models.QuerySet[Row]:
    """The rows of the current team; none for someone without a team.

    `by` is the way from the model to its team, such as `run__team` for what belongs to a run.
    """
    team = current_team(request)
    if team is None:
        return rows.none()
    return rows.filter(**{by: team})


def scoped_get(rows: models.Manager[Row] | models.QuerySet[Row], request: HttpRequest, **where: Any) -> Row:
    """The one row of the current team that matches; 404 for another team's row, which thus does not show itself."""
    found = scoped(rows, request).filter(**where).first()
    if found is None:
        raise Http404
    return found
