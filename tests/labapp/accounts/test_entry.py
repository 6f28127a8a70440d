"""Coming in: one-time links, passwords, invitations, and the closed door for everyone else."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from labapp.accounts.invitations import invite
from labapp.accounts.local import local_owner, sign_in_link
from labapp.accounts.models import Invitation, Membership, SignInLink, Team, User
from labapp.accounts.tokens import sign_in_secret
from tests.labapp.conftest import PASSWORD, signed_in


def test_it_works(alice: User, client: Client) -> None:
    answer = client.get(reverse("local", args=[sign_in_secret(alice)]))
    assert (answer.status_code, answer["Location"]) == (302, "/")
    assert client.get("/").status_code == 200


def test_a_link_works_once(alice: User) -> None:
    address = reverse("local", args=[sign_in_secret(alice)])
    assert Client().get(address).status_code == 302
    second = Client().get(address)
    assert second.status_code == 410
    assert b"was used or has expired" in second.content


def test_a_link_expires(alice: User, client: Client) -> None:
    address = reverse("local", args=[sign_in_secret(alice, timedelta(seconds=-1))])
    assert client.get(address).status_code == 410


def test_a_link_of_someone_shut_out_does_not_work(alice: User, client: Client) -> None:
    address = reverse("local", args=[sign_in_secret(alice)])
    User.objects.filter(pk=alice.pk).update(is_active=False)
    assert client.get(address).status_code == 410


def test_the_secret_is_not_kept(alice: User) -> None:
    secret = sign_in_secret(alice)
    assert not SignInLink.objects.filter(token_hash=secret).exists()


def test_the_local_owner_is_made_once(db: None) -> None:
    link = sign_in_link("http://lab")
    assert link.startswith("http://lab/accounts/local/")
    assert local_owner() == local_owner()
    assert Membership.objects.get(user=local_owner()).role == "owner"
    assert not local_owner().has_usable_password()


def test_with_a_password(alice: User, client: Client) -> None:
    form = {"login": alice.email, "password": PASSWORD}
    assert client.post(reverse("account_login"), {**form, "password": "wrong horse"}).status_code == 200
    assert client.get("/").status_code == 302
    assert client.post(reverse("account_login"), form)["Location"] == "/"
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "path", ["/", "/accounts/team/", "/accounts/tokens/", "/accounts/profile/", "/search/", "/workers/"]
)
def test_a_stranger_is_asked_to_sign_in(client: Client, path: str) -> None:
    answer = client.get(path)
    assert (answer.status_code, answer["Location"]) == (302, f"/accounts/login/?next={path}")


def test_nobody_signs_up_uninvited(db: None, client: Client) -> None:
    form = {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert b"made by invitation" in client.post(reverse("account_signup"), form).content
    assert not User.objects.filter(email="eve@example.org").exists()


def test_where_sign_up_is_open_one_gets_a_team_of_ones_own(db: None, client: Client, settings: Settings) -> None:
    settings.SIGN_UP_OPEN = True
    form = {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post(reverse("account_signup"), form)
    assert Membership.objects.get(user__email="eve@example.org").role == "owner"
    assert client.get("/").status_code == 200


def test_an_invited_newcomer_joins_by_signing_up(team: Team, alice: User, client: Client) -> None:
    row, secret = invite(team, "viewer", alice, "dan@example.org")
    assert b"Join Lab" in client.get(reverse("join", args=[secret])).content
    form = {"email": "dan@example.org", "password1": PASSWORD, "password2": PASSWORD}
    client.post(reverse("account_signup"), form)
    assert Membership.objects.get(user__email="dan@example.org").role == "viewer"
    row.refresh_from_db()
    assert row.used is not None
    assert Client().get(reverse("join", args=[secret])).status_code == 410


def test_an_invitation_for_someone_else_is_refused_before_an_account_is_made(
    team: Team, alice: User, client: Client
) -> None:
    _, secret = invite(team, "member", alice, "dan@example.org")
    client.get(reverse("join", args=[secret]))
    form = {"email": "eve@example.org", "password1": PASSWORD, "password2": PASSWORD}
    assert b"This invitation is for dan@example.org" in client.post(reverse("account_signup"), form).content
    assert not User.objects.filter(email="eve@example.org").exists()


def test_someone_with_an_account_accepts_with_a_click(
    team: Team, alice: User, charlie: User, charlie_client: Client
) -> None:
    _, secret = invite(team, "member", alice)
    address = reverse("join", args=[secret])
    charlie_client.get(address)
    assert not charlie.memberships.filter(team=team).exists()  # looking is not joining
    charlie_client.post(address)
    assert charlie.memberships.get(team=team).role == "member"
    assert signed_in(alice).post(address).status_code == 410


def test_an_invitation_does_not_weaken_an_owner(team: Team, alice: User, alice_client: Client) -> None:
    _, secret = invite(team, "viewer", alice)
    alice_client.post(reverse("join", args=[secret]))
    assert alice.memberships.get(team=team).role == "owner"


def test_an_old_invitation_is_over(team: Team, alice: User, charlie_client: Client) -> None:
    _, secret = invite(team, "member", alice)
    Invitation.objects.update(expires=timezone.now())
    assert charlie_client.post(reverse("join", args=[secret])).status_code == 410
