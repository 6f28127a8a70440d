"""What follows a sign-in, whichever way it came: the invitation of this browser is accepted."""

from typing import Any

from django.contrib.auth.signals import user_logged_in
from django.dispatch import receiver
from django.http import HttpRequest
from django.utils.text import slugify

from labapp.accounts import invitations
from labapp.accounts.models import Membership, Role, Team, User


@receiver(user_logged_in)
def settle(sender: type[User], request: HttpRequest, user: User, **_: Any) -> None:
    """Join the inviting team; who came without an invitation where sign-up is open gets a team of their own."""
    joined = invitations.accept(request, user)
    if joined is None and invited_nowhere(user):
        own_team(user)


def invited_nowhere(user: User) -> bool:
    """True for someone who just signed up by themselves: in no team, and never was."""
    return user.last_login is None and not user.memberships.exists()


def own_team(user: User) -> Team:
    """A new team with `user` as its owner."""
    stem = slugify(str(user)) or "team"
    taken = set(Team.objects.filter(slug__startswith=stem).values_list("slug", flat=True))
    slug = next(name for name in (stem, *(f"{stem}-{n}" for n in range(2, len(taken) + 3))) if name not in taken)
    team = Team.objects.create(name=f"{user}'s lab", slug=slug)
    Membership.objects.create(user=user, team=team, role=Role.OWNER)
    return team
