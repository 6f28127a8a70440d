"""Rewards as Python: the list, the editor, versions, history, deletion, and who may do what."""

from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from labapp.accounts.models import Team, User
from labapp.runs import launch
from labapp.workshop import rewards
from labapp.workshop.models import Reward, RewardVersion
from labapp.workshop.versioning import NotSaved, diff
from workers.contract.rewardcode import check

GOOD = "def reward(completions, **columns):\n    return [float(len(text)) for text in completions]\n"
BETTER = GOOD.replace("float(len(text))", "float(len(text) > 3)")


@pytest.fixture
def reward(team: Team, alice: User) -> Reward:
    """A reward of the team with one version."""
    return rewards.create(team, alice, "length", GOOD, "first").reward


def test_it_works(bob_client: Client) -> None:
    html = bob_client.get("/workshop/rewards/new/").content.decode()
    assert "def reward(prompts, completions, answer, **columns):" in html
    response = bob_client.post("/workshop/rewards/new/", {"name": "length", "source": GOOD, "message": "a start"})
    version = RewardVersion.objects.get()
    assert response["Location"] == f"/workshop/rewards/{version.reward_id}/"
    assert (str(version), version.source, version.message) == ("length@1", GOOD, "a start")
    assert version.author is not None
    assert version.author.name == "Bob"
    page = bob_client.get(f"/workshop/rewards/{version.reward_id}/").content.decode()
    assert "length · version 1 is saved." in page
    assert f"/runs/new/?reward=code:{version.reward_id}@1" in page
    assert "a start" in bob_client.get("/workshop/").content.decode()


def test_the_starting_text_can_be_used() -> None:
    assert check(rewards.START) == []


def test_an_empty_room_says_what_to_do(alice_client: Client, vera_client: Client) -> None:
    assert "Write a reward" in alice_client.get("/workshop/").content.decode()
    html = vera_client.get("/workshop/").content.decode()
    assert "No rewards yet" in html
    assert "Write a reward" not in html


def test_every_save_is_a_new_version_and_old_ones_stay(alice_client: Client, reward: Reward) -> None:
    address = f"/workshop/rewards/{reward.pk}/"
    alice_client.post(address, {"source": BETTER.replace("\n", "\r\n"), "message": "only long ones", "base": "1"})
    assert list(reward.versions.order_by("number").values_list("number", "source")) == [(1, GOOD), (2, BETTER)]
    assert "len(text) &gt; 3" in alice_client.get(address).content.decode()
    assert "len(text) &gt; 3" not in alice_client.get(f"{address}?version=1").content.decode()
    assert alice_client.get(f"{address}?version=3").status_code == 404
    assert alice_client.get(f"{address}?version=9999999999").status_code == 200  # no number of a version: the newest


def test_an_older_version_says_that_it_is_one(alice_client: Client, reward: Reward, bob: User) -> None:
    rewards.save(reward, bob, GOOD + "# longer\n")
    address = f"/workshop/rewards/{reward.pk}/"
    older = alice_client.get(f"{address}?version=1").content.decode()
    assert '<summary class="chip">version 1 of 2</summary>' in older
    assert f'<a class="note" href="{address}">Open the newest</a>' in older
    assert "Open the newest" not in alice_client.get(address).content.decode()


def test_who_started_from_an_older_version_is_told(alice_client: Client, reward: Reward, bob: User) -> None:
    rewards.save(reward, bob, BETTER)
    address = f"/workshop/rewards/{reward.pk}/"
    said = alice_client.post(address, {"source": f"{GOOD}\n# mine", "base": "1"}, follow=True).content.decode()
    assert "It follows version 2, which was saved after the one you started from (1)" in said
    assert reward.versions.count() == 3


@pytest.mark.parametrize(
    ("source", "said"),
    [
        ("", "There is no reward function"),
        ("def reward(completions):\n    return [", "Line 2"),
        ("def reward(texts):\n    return texts", "completions"),
        ("x = 1\x00", "null character"),
        (GOOD, "nothing has changed"),
    ],
)
def test_a_text_that_cannot_be_used_is_not_saved_and_not_lost(
    alice_client: Client, reward: Reward, source: str, said: str
) -> None:
    response = alice_client.post(f"/workshop/rewards/{reward.pk}/", {"source": source})
    assert response.status_code == 422
    html = response.content.decode()
    assert said in html
    assert source.split("\n")[0].replace("\x00", "")[:20] in html
    assert reward.versions.count() == 1


@pytest.mark.parametrize(
    ("name", "said"), [("", "a name"), ("x" * 81, "80 are allowed"), ("length", "already"), (" length ", "already")]
)
def test_a_name_must_be_given_short_and_free(alice_client: Client, reward: Reward, name: str, said: str) -> None:
    response = alice_client.post("/workshop/rewards/new/", {"name": name, "source": BETTER})
    assert response.status_code == 422
    assert said in response.content.decode()
    assert Reward.objects.count() == 1


def test_saving_and_nothing_else_counts_versions(reward: Reward, bob: User) -> None:
    made = [rewards.save(reward, bob, f"{GOOD}# {number}\n").number for number in range(3)]
    assert made == [2, 3, 4]
    with pytest.raises(NotSaved, match="version 4"):
        rewards.save(reward, bob, f"{GOOD}# 2\n")
    assert rewards.save(reward, bob, GOOD).number == 5  # going back is a change too


def test_history_shows_what_differs(alice_client: Client, reward: Reward, bob: User) -> None:
    rewards.save(reward, bob, BETTER, "only long ones")
    rewards.save(reward, bob, f"{BETTER}# end\n")
    address = f"/workshop/rewards/{reward.pk}/history/"
    html = alice_client.get(address).content.decode()
    assert "Version 2 to 3" in html
    assert "only long ones" in html
    assert "# end" in html
    html = alice_client.get(f"{address}?from=1&to=2").content.decode()
    assert '<tr class="gone">' in html
    assert "# end" not in html
    assert "These two are the same" in alice_client.get(f"{address}?from=2&to=2").content.decode()
    for wrong in ("?from=9", "?to=x", "?from=-1"):
        assert alice_client.get(address + wrong).status_code == 404


def test_a_diff_by_hand() -> None:
    before = "".join(f"{n}\n" for n in range(1, 21))
    found = diff(before, before.replace("10\n", "ten\n"))
    assert [(line["kind"], line["text"]) for line in found] == [
        ("gap", "…"), ("same", "7"), ("same", "8"), ("same", "9"), ("gone", "10"), ("new", "ten"),
        ("same", "11"), ("same", "12"), ("same", "13"),
    ]  # fmt: skip
    assert diff(before, before) == []


def test_what_a_run_uses_is_not_deleted(alice_client: Client, alice: User, team: Team, reward: Reward) -> None:
    rewards.save(reward, alice, BETTER)
    spec = {"name": "user-of-length", "rewards": [{"name": "exact_answer"}, {"name": f"code:{reward.pk}@2"}]}
    run = launch.create(team, alice, spec, "E")
    said = alice_client.post(f"/workshop/rewards/{reward.pk}/delete/", follow=True).content.decode()
    assert "is used by user-of-length" in said
    assert Reward.objects.count() == 1
    assert "user-of-length" in alice_client.get(f"/workshop/rewards/{reward.pk}/").content.decode()
    run.delete()
    assert alice_client.post(f"/workshop/rewards/{reward.pk}/delete/").status_code == 302
    assert Reward.objects.count() == 0


def test_viewers_read_and_change_nothing(vera_client: Client, reward: Reward) -> None:
    address = f"/workshop/rewards/{reward.pk}/"
    html = vera_client.get(address).content.decode()
    assert "readonly" in html
    assert "Save version" not in html
    assert vera_client.get(f"{address}history/").status_code == 200
    assert vera_client.post(address, {"source": BETTER}).status_code == 403
    assert vera_client.get("/workshop/rewards/new/").status_code == 403
    for path in (f"{address}delete/", "/workshop/rewards/check/", "/workshop/rewards/try/"):
        assert vera_client.post(path, {"source": BETTER}).status_code == 403
    assert reward.versions.count() == 1


def test_outsiders_see_nothing(charlie_client: Client, reward: Reward) -> None:
    address = f"/workshop/rewards/{reward.pk}/"
    assert "length" not in charlie_client.get("/workshop/").content.decode().split("<main")[1]
    assert charlie_client.get(address).status_code == 404
    assert charlie_client.get(f"{address}history/").status_code == 404
    assert charlie_client.post(address, {"source": BETTER}).status_code == 404
    assert charlie_client.post(f"{address}delete/").status_code == 404
    assert reward.versions.count() == 1


def test_a_number_that_no_row_can_have_is_not_found(alice_client: Client) -> None:
    assert alice_client.get(f"/workshop/rewards/{10**30}/").status_code == 404


def test_what_the_addresses_of_rewards_begin_with_is_their_list(alice_client: Client) -> None:
    assert alice_client.get("/workshop/rewards/")["Location"] == "/workshop/"


def test_a_form_without_its_secret_has_expired(alice: User) -> None:
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    answer = browser.post("/workshop/rewards/new/", {"name": "length", "source": GOOD})
    assert answer.status_code == 403
    assert "This form has expired. Go back, reload the page and send it again." in answer.content.decode()


def test_strangers_sign_in_first(client: Client, reward: Reward) -> None:
    for address in ("/workshop/", "/workshop/rewards/new/", f"/workshop/rewards/{reward.pk}/"):
        assert client.get(address).status_code == 302


def test_the_list_asks_the_database_a_fixed_number_of_times(
    alice_client: Client, alice: User, team: Team, django_assert_max_num_queries: DjangoAssertNumQueries
) -> None:
    for number in range(5):
        rewards.create(team, alice, f"reward {number}", GOOD)
    alice_client.get("/workshop/")
    with django_assert_max_num_queries(8):
        assert alice_client.get("/workshop/").content.decode().count("reward ") >= 5


def test_null_characters_in_a_name_are_left_out(alice_client: Client) -> None:
    """A database text cannot hold one: the save must not end in a fault of the page."""
    answer = alice_client.post("/workshop/rewards/new/", {"name": "a\0b", "source": rewards.START, "message": "m\0"})
    assert answer.status_code == 302
    assert RewardVersion.objects.get().reward.name == "ab"
