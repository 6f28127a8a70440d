"""The team page: owners manage people, others look, outsiders see nothing of it."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from labapp.accounts.invitations import invite
from labapp.accounts.models import Invitation, Membership, Team, User
from labapp.accounts.tokens import api_secret


def membership(user: User, team: Team) -> Membership:
    return Membership.objects.get(user=user, team=team)


def test_it_works(alice_client: Client, bob: User, vera: User) -> None:
    page = alice_client.get(reverse("team")).content.decode()
    assert all(name in page for name in ("Alice", "Bob", "Vera", "Make a link", "Remove"))


def test_others_look_and_have_no_buttons(bob_client: Client, alice: User, vera: User) -> None:
    page = bob_client.get(reverse("team")).content.decode()
    assert "Vera" in page
    assert "Make a link" not in page
    assert "Remove" not in page


def test_an_outsider_sees_another_team(charlie_client: Client, alice: User) -> None:
    page = charlie_client.get(reverse("team")).content.decode()
    assert "Alice" not in page
    assert "Elsewhere" in page


def test_an_invitation_is_shown_once_and_works(alice_client: Client, client: Client) -> None:
    form = {"email": "dan@example.org", "role": "viewer"}
    page = alice_client.post(reverse("team-invite"), form, follow=True).content.decode()
    link = re.search(r"http://testserver(/accounts/join/[\w-]+/)", page)
    assert link is not None
    assert client.get(link[1]).status_code == 200
    assert link[1] not in alice_client.get(reverse("team")).content.decode()


def test_a_bad_invitation_says_what_is_wrong(alice_client: Client) -> None:
    answer = alice_client.post(reverse("team-invite"), {"email": "no address", "role": "viewer"})
    assert answer.status_code == 422
    assert b"valid email address" in answer.content
    assert not Invitation.objects.exists()


def test_a_withdrawn_invitation_is_worth_nothing(alice_client: Client, alice: User, team: Team, client: Client) -> None:
    row, secret = invite(team, "member", alice)
    alice_client.post(reverse("team-withdraw", args=[row.pk]))
    assert client.get(reverse("join", args=[secret])).status_code == 410


def test_a_role_changes(alice_client: Client, bob: User, team: Team) -> None:
    address = reverse("team-role", args=[membership(bob, team).pk])
    alice_client.post(address, {"role": "viewer"})
    assert membership(bob, team).role == "viewer"
    alice_client.post(address, {"role": "emperor"})
    assert membership(bob, team).role == "viewer"


def test_a_member_is_removed_with_the_tokens(alice_client: Client, bob: User, team: Team) -> None:
    api_secret(bob, team, "notebook")
    alice_client.post(reverse("team-remove", args=[membership(bob, team).pk]))
    assert not bob.memberships.exists()
    assert not bob.api_tokens.exists()


def test_one_may_leave_by_oneself(bob_client: Client, bob: User, alice: User, team: Team) -> None:
    assert bob_client.post(reverse("team-remove", args=[membership(bob, team).pk]))["Location"] == "/"
    assert not bob.memberships.exists()
    assert b"You are in no team yet" in bob_client.get("/").content


def test_the_last_owner_stays(alice_client: Client, alice: User, bob: User, team: Team) -> None:
    mine = membership(alice, team)
    alice_client.post(reverse("team-remove", args=[mine.pk]))
    alice_client.post(reverse("team-role", args=[mine.pk]), {"role": "member"})
    assert membership(alice, team).role == "owner"
    alice_client.post(reverse("team-role", args=[membership(bob, team).pk]), {"role": "owner"})
    alice_client.post(reverse("team-role", args=[mine.pk]), {"role": "member"})
    assert membership(alice, team).role == "member"


@pytest.mark.parametrize("who", ["bob_client", "vera_client"])
def test_only_owners_manage(who: str, request: pytest.FixtureRequest, alice: User, team: Team) -> None:
    client: Client = request.getfixturevalue(who)
    row, _ = invite(team, "member", alice)
    theirs = membership(alice, team).pk
    for address in (
        reverse("team-invite"),
        reverse("team-rename"),
        reverse("team-withdraw", args=[row.pk]),
        reverse("team-role", args=[theirs]),
        reverse("team-remove", args=[theirs]),
    ):
        assert client.post(address, {"role": "owner", "name": "Ours"}).status_code == 403, address
    team.refresh_from_db()
    assert team.name == "Lab"
    assert Invitation.objects.filter(pk=row.pk).exists()
    assert membership(alice, team).role == "owner"


def test_an_outsider_reaches_nobody_here(charlie_client: Client, alice: User, bob: User, team: Team) -> None:
    row, _ = invite(team, "member", alice)
    theirs = membership(bob, team).pk
    assert charlie_client.post(reverse("team-remove", args=[theirs])).status_code == 404
    assert charlie_client.post(reverse("team-role", args=[theirs]), {"role": "viewer"}).status_code == 404
    assert charlie_client.post(reverse("team-withdraw", args=[row.pk])).status_code == 404
    assert charlie_client.post(reverse("team-choose"), {"team": team.pk}).status_code == 404
    assert membership(bob, team).role == "member"


def test_working_in_another_team(bob_client: Client, bob: User, team: Team) -> None:
    other = Team.objects.create(name="Second", slug="second")
    Membership.objects.create(user=bob, team=other, role="owner")
    assert b"Lab \xc2\xb7 member" in bob_client.get("/").content
    bob_client.post(reverse("team-choose"), {"team": other.pk})
    assert b"Second \xc2\xb7 owner" in bob_client.get("/").content


def test_nothing_changes_by_looking(alice_client: Client, bob: User, team: Team) -> None:
    assert alice_client.get(reverse("team-remove", args=[membership(bob, team).pk])).status_code == 405
