"""Runs for the tests of the door."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from labapp.runs.models import Run


@pytest.fixture
def run(transactional_db: None) -> Run:
    """A run of Alice's that a worker has just taken."""
    from labapp.accounts.models import Team, User
    from labapp.runs import launch

    team = Team.objects.create(name="Lab", slug="lab")
    alice = User.objects.create_user("alice@example.org")
    made = launch.create(team, alice, {"name": "first", "budget": {"steps": 9}}, "Sums")
    type(made).objects.filter(pk=made.pk).update(state="queued")
    taken = launch.take(made.pk, "host:1")
    assert taken is not None
    return taken
