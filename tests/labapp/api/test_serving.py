"""Saved rewards as remote rewards, in the forms of OpenRLHF and TRL, with the real sandbox behind them."""

from __future__ import annotations

from base64 import b64encode
from typing import Any

import pytest
from django.test import Client

from labapp.accounts.models import Team, User
from labapp.accounts.tokens import api_secret
from labapp.workshop import quick, rewards, serving
from labapp.workshop.models import RewardVersion
from tests.labapp.api.calls import error

RIGHT = """
def reward(prompts, completions, answer=None, **columns):
    seen = answer if answer is not None else [None] * len(completions)
    return [{"right": float(text == str(one)), "words": float(len(text.split()))} if text else None
            for text, one in zip(completions, seen)]
"""
BREAKS = "def reward(completions):\n    return [1.0 / len(text) for text in completions]\n"


@pytest.fixture
def right(team: Team, alice: User) -> RewardVersion:
    return rewards.create(team, alice, "right", RIGHT)


def ask(client: Client, version: RewardVersion, body: dict[str, Any], query: str = "", **extra: Any) -> Any:
    address = f"/api/v1/rewards/{version.reference}/score{query}"
    return client.post(address, body, content_type="application/json", **extra)


def test_openrlhf(alice_client: Client, right: RewardVersion) -> None:
    body = {"query": ["1+1= 2", "1+1= 3"], "prompts": ["1+1= ", "1+1= "], "labels": ["2", "2"]}
    made = ask(alice_client, right, body).json()
    assert made["rewards"] == made["scores"] == [2.0, 1.0]
    assert made["extra_logs"] == {"right": [1.0, 0.0], "words": [1.0, 1.0]}
    assert made["faults"] == []


def test_trl(alice_client: Client, right: RewardVersion) -> None:
    made = ask(alice_client, right, {"completions": ["2", "x y", ""], "answer": ["2", "2", "2"]}).json()
    assert made["rewards"] == [2.0, 2.0, None]
    assert ask(alice_client, right, {"completions": [""]}, "?none=-1").json()["rewards"] == [-1.0]


def test_a_reward_put_together_from_parts(alice_client: Client, right: RewardVersion) -> None:
    leaf = {"kind": "rewards", "name": right.reference, "source": right.source, "label": "mine"}
    tree = {"kind": "combining", "name": "sum", "of": [leaf, {"kind": "rewards", "name": "repetition"}]}
    version = RewardVersion.objects.create(reward=right.reward, number=2, source="", tree=tree)
    made = ask(alice_client, version, {"completions": ["2"], "answer": ["2"]}).json()
    assert made["rewards"] == [made["extra_logs"]["mine"][0] + made["extra_logs"]["repetition"][0]]
    assert version.reference.startswith("tree:")


def test_what_runs_over_is_a_failure(alice_client: Client, team: Team, alice: User) -> None:
    """10 to the power of the letters, squared: JSON knows no infinity, and no run learns from so much."""
    high = "def reward(completions):\n    return [10.0 ** len(text) for text in completions]\n"
    version = rewards.create(team, alice, "high", high)
    leaf = {"kind": "rewards", "name": version.reference, "source": high}
    tree = {"kind": "combining", "name": "product", "of": [leaf, leaf]}
    version = RewardVersion.objects.create(reward=version.reward, number=2, source="", tree=tree)
    made = ask(alice_client, version, {"completions": ["a", "a" * 200]}).json()
    assert made["rewards"] == [100.0, None]
    assert made["faults"] == [{"index": 1, "what": "inf is no finite number"}]


def test_a_failure_spoils_its_own_text(alice_client: Client, team: Team, alice: User) -> None:
    made = ask(alice_client, rewards.create(team, alice, "breaks", BREAKS), {"completions": ["ab", ""]}).json()
    assert made["rewards"] == [0.5, None]
    assert made["faults"][0]["index"] == 1
    assert "line 2" in made["faults"][0]["what"]


def test_the_token_may_stand_in_the_address(client: Client, right: RewardVersion, alice: User, team: Team) -> None:
    _, secret = api_secret(alice, team, "trainer")
    for word, status in ((secret, 200), ("merit_no", 401)):
        header = f"Basic {b64encode(f'token:{word}'.encode()).decode()}"
        response = ask(client, right, {"completions": ["2"]}, headers={"authorization": header})
        assert response.status_code == status, response.content


@pytest.mark.parametrize(
    ("body", "where"),
    [({}, "completions"), ({"completions": ["a"], "prompts": []}, "prompts"),
     ({"completions": ["a"], "labels": ["1", "2"]}, "labels"), ({"query": "a"}, "query"),
     ({"completions": ["a"], "level": [1, 2]}, "level")],
)  # fmt: skip
def test_what_is_no_question_is_refused(
    alice_client: Client, right: RewardVersion, body: dict[str, Any], where: str
) -> None:
    response = ask(alice_client, right, body)
    assert response.status_code == 422
    assert where in error(response)["where"]


def test_too_much_is_refused(alice_client: Client, right: RewardVersion) -> None:
    assert ask(alice_client, right, {"completions": ["x"] * 4097}).status_code == 413


def test_a_reward_that_is_not_there(alice_client: Client, right: RewardVersion) -> None:
    for reference in (f"code:{right.reward_id}@9", "code:x@1", "99999999@1", "huh"):
        response = alice_client.post(f"/api/v1/rewards/{reference}/score", {}, content_type="application/json")
        assert response.status_code == 404, reference


def test_no_worker(alice_client: Client, right: RewardVersion, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quick, "ask", lambda *asked: quick.Asked("lost"))
    monkeypatch.setattr(serving.score, "__defaults__", (0.2,))
    response = ask(alice_client, right, {"completions": ["x"]})
    assert response.status_code == 503
    assert "No worker answered" in error(response)["what"]


def test_what_a_function_remembers_of_one_team_is_not_told_to_another(
    alice_client: Client,
    charlie_client: Client,
    team: Team,
    alice: User,
    charlie: User,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The same text, even the same reference: the children that stay warm are each team's own."""
    source = "SEEN = []\n\n\ndef reward(completions):\n    SEEN.extend(completions)\n    return [float(len(SEEN))]\n"
    mine = rewards.create(team, alice, "remembers", source)
    theirs = charlie.memberships.get().team
    other = rewards.create(theirs, charlie, "remembers", source)
    node = serving.node_of(mine)
    monkeypatch.setattr(serving, "node_of", lambda version: node)
    for count in (1.0, 2.0):
        assert ask(alice_client, mine, {"completions": ["secret"]}).json()["rewards"] == [count]
    assert ask(charlie_client, other, {"completions": ["x"]}).json()["rewards"] == [1.0]


def test_conversations_as_trl_has_them(alice_client: Client, right: RewardVersion) -> None:
    """Prompts and completions are lists of messages there; what a message lacks is said with its place."""
    said = [[{"role": "assistant", "content": "2"}], [{"role": "assistant", "content": ""}]]
    asked = [[{"role": "user", "content": "1+1"}]] * 2
    body = {"completions": said, "prompts": asked, "answer": ["2", "2"]}
    assert ask(alice_client, right, body).json()["rewards"] == [2.0, None]
    lacking = ask(alice_client, right, body | {"completions": [said[0], [{"role": "assistant"}]]})
    assert lacking.status_code == 422
    assert "completions.1" in error(lacking)["where"]


def test_who_forgot_the_token_hears_that(alice: User, right: RewardVersion) -> None:
    browser = Client(enforce_csrf_checks=True)
    assert ask(browser, right, {"completions": ["2"]}).status_code == 401
    browser.force_login(alice, backend="allauth.account.auth_backends.AuthenticationBackend")
    assert ask(browser, right, {"completions": ["2"]}).status_code == 403


def test_the_pages_of_rewards_say_where_they_answer(alice_client: Client, right: RewardVersion) -> None:
    leaf = {"kind": "rewards", "name": "repetition"}
    tree = RewardVersion.objects.create(reward=right.reward, number=2, source="", tree=leaf)
    for version in (right, tree):
        html = alice_client.get(f"/workshop/rewards/{right.reward_id}/?version={version.number}").content.decode()
        assert f"http://testserver/api/v1/rewards/{version.reference}/score" in html
        assert html.count("data-copies=") == 3
        assert 'href="/accounts/tokens/"' in html.split("Ask it from another trainer")[1]
    assert "/score" not in alice_client.get("/workshop/rewards/new/").content.decode()
