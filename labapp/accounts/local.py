"""The owner of a lab on one's own machine, who needs no password: a link printed in the terminal is enough."""

from django.contrib.auth.hashers import make_password
from django.urls import reverse

from labapp.accounts.models import Membership, Role, Team, User
from labapp.accounts.tokens import sign_in_secret

EMAIL = "owner@localhost"


def local_owner() -> User:
    """The local owner with a team, made on the first start."""
    user, _ = User.objects.get_or_create(email=EMAIL, defaults={"name": "owner", "password": make_password(None)})
    if not user.memberships.exists():
        team, _ = Team.objects.get_or_create(slug="lab", defaults={"name": "lab"})
        Membership.objects.create(user=user, team=team, role=Role.OWNER)
    return user


def sign_in_link(address: str) -> str:
    """A fresh one-time link for the local owner of the lab at `address`."""
    return address + reverse("local", args=[sign_in_secret(local_owner())])
