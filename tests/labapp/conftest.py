"""People for the tests of the web side: an owner, a member, a viewer and an outsider, each with a signed-in client."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

if TYPE_CHECKING:
    from labapp.accounts.models import Team, User
    from labapp.runs.models import Run

PASSWORD = "correct horse battery"


def person(name: str, team: Team | None = None, role: str = "member") -> User:
    """A saved user `<name>@example.org`, in `team` with `role` if a team is given."""
    from labapp.accounts.models import Membership, User

    user = User.objects.create_user(f"{name.lower()}@example.org", PASSWORD, name=name)
    if team is not None:
        Membership.objects.create(user=user, team=team, role=role)
    return user


def signed_in(user: User) -> Client:
    """A client in which `user` is signed in."""
    client = Client()
    client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
    return client


@pytest.fixture
def team(db: None) -> Team:
    """The team of Alice, Bob and Vera."""
    from labapp.accounts.models import Team

    return Team.objects.create(name="Lab", slug="lab")


@pytest.fixture
def alice(team: Team) -> User:
    """Owner of the team."""
    return person("Alice", team, "owner")


@pytest.fixture
def bob(team: Team) -> User:
    """Member of the team."""
    return person("Bob", team, "member")


@pytest.fixture
def vera(team: Team) -> User:
    """Viewer in the team."""
    return person("Vera", team, "viewer")


@pytest.fixture
def charlie(db: None) -> User:
    """Owner of another team, an outsider here."""
    from labapp.accounts.models import Team

    return person("Charlie", Team.objects.create(name="Elsewhere", slug="elsewhere"), "owner")


@pytest.fixture
def alice_client(alice: User) -> Client:
    """Alice's browser."""
    return signed_in(alice)


@pytest.fixture
def bob_client(bob: User) -> Client:
    """Bob's browser."""
    return signed_in(bob)


@pytest.fixture
def vera_client(vera: User) -> Client:
    """Vera's browser."""
    return signed_in(vera)


@pytest.fixture
def charlie_client(charlie: User) -> Client:
    """Charlie's browser."""
    return signed_in(charlie)


@pytest.fixture
def teacher(team: Team, settings: Any, tmp_path: Path) -> Run:
    """A run of the team with checkpoints, in a home of its own."""
    from tests.labapp.runs.checkpointed import checkpointed

    settings.MERIT_HOME = tmp_path
    return checkpointed(team)
