"""What follows a sign-in, whichever way it came: the invitation of this browser is accepted, or a team is made."""

from typing import Any

from allauth.account.signals import user_signed_up
from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.text import slugify

from labapp.accounts import invitations
from labapp.accounts.models import Membership, Role, Team, User


@receiver(user_logged_in)
def join_by_invitation(sender: type[User], request: HttpRequest, user: User, **_: Any) -> None:
    """Join the team whose invitation this browser came by."""
    invitations.accept(request, user)


@receiver(user_signed_up)
def settle_alone(sender: type[User], request: HttpRequest, user: User, **_: Any) -> None:
    """Who makes an account without an invitation, where sign-up is open, gets a team of their own."""
    if invitations.pending(request) is None and not user.memberships.exists():
        own_team(user)


def own_team(user: User) -> Team:
    """A new team with `user` as its owner."""
    stem = slugify(str(user)) or "team"
    taken = set(Team.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    slug = next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)
    team = Team.objects.create(name=f"{user}'s lab", slug=slug)
    Membership.objects.create(user=user, team=team, role=Role.OWNER)
    return team
