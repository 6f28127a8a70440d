"""API tokens and the profile."""

import re

from django.test import Client
from django.urls import reverse

from labapp.accounts.models import ApiToken, Team, User
from labapp.accounts.tokens import api_secret, membership_of_token


def test_it_works(bob_client: Client, bob: User, team: Team) -> None:
    page = bob_client.post(reverse("tokens"), {"name": "notebook"}, follow=True).content.decode()
    shown = re.search(r"merit_[\w-]{40,}", page)
    assert shown is not None
    acts_as = membership_of_token(shown[0])
    assert acts_as is not None
    assert (acts_as.user, acts_as.team, acts_as.role) == (bob, team, "member")
    assert shown[0] not in bob_client.get(reverse("tokens")).content.decode()  # shown once
    assert not ApiToken.objects.filter(hash=shown[0]).exists()  # and not kept


def test_a_token_needs_a_name(bob_client: Client) -> None:
    assert bob_client.post(reverse("tokens"), {"name": ""}).status_code == 422
    assert not ApiToken.objects.exists()


def test_a_revoked_token_is_worth_nothing(bob_client: Client, bob: User, team: Team) -> None:
    token, secret = api_secret(bob, team, "notebook")
    bob_client.post(reverse("token-revoke", args=[token.pk]))
    assert membership_of_token(secret) is None


def test_nobody_revokes_anothers_token(alice_client: Client, charlie_client: Client, bob: User, team: Team) -> None:
    token, secret = api_secret(bob, team, "notebook")
    assert alice_client.post(reverse("token-revoke", args=[token.pk])).status_code == 404
    assert charlie_client.post(reverse("token-revoke", args=[token.pk])).status_code == 404
    assert membership_of_token(secret) is not None


def test_a_token_follows_its_user(bob: User, team: Team) -> None:
    _, secret = api_secret(bob, team, "notebook")
    bob.memberships.update(role="viewer")
    acts_as = membership_of_token(secret)
    assert acts_as is not None
    assert acts_as.role == "viewer"
    bob.memberships.all().delete()
    assert membership_of_token(secret) is None


def test_a_token_of_someone_shut_out_is_worth_nothing(bob: User, team: Team) -> None:
    _, secret = api_secret(bob, team, "notebook")
    User.objects.filter(pk=bob.pk).update(is_active=False)
    assert membership_of_token(secret) is None


def test_use_is_noted(bob: User, team: Team) -> None:
    token, secret = api_secret(bob, team, "notebook")
    membership_of_token(secret)
    token.refresh_from_db()
    assert token.last_used is not None


def test_an_unknown_token(db: None) -> None:
    assert membership_of_token("merit_nothing") is None


def test_the_profile(bob_client: Client, bob: User) -> None:
    bob_client.post(reverse("profile"), {"name": "Robert", "email": "evil@example.org", "is_superuser": "1"})
    bob.refresh_from_db()
    assert (bob.name, bob.email, bob.is_superuser) == ("Robert", "bob@example.org", False)
