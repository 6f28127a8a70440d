"""An analysis keeps what becomes of failures, and is opened again as it was made."""

import pytest
from django.test import Client

from labapp.accounts.models import Team, User
from labapp.runs.models import Run
from labapp.workshop import rewards
from labapp.workshop.models import DataVersion
from tests.labapp.workshop.test_analysis import CODE, HTMX, PAGE, fields
from workers.contract import analysis
from workers.contract.rewardnode import Node


@pytest.mark.parametrize("policy", ["skip", "zero", "stop"])
def test_what_becomes_of_failures_is_chosen_and_kept(
    alice_client: Client, recorded: DataVersion, team: Team, alice: User, policy: str
) -> None:
    made = rewards.create(team, alice, "ends right", CODE)
    tree = rewards.create(team, alice, "part", Node("combining", "sum", of=(Node("rewards", "brevity"),)))
    for name in ("numeric_answer", made.reference, tree.reference):
        first = fields(alice_client.get(PAGE).content.decode())
        assert first["rewards.0.on_failure"] == "skip"
        asked = {**first, "do": "look", "rewards.0.name": name, "rewards.0.on_failure": policy}
        seen = fields(alice_client.post(PAGE, asked, headers=HTMX).content.decode())
        assert seen["rewards.0.on_failure"] == policy
        alice_client.post(PAGE, {**seen, "do": "launch"})
        run = Run.objects.latest("created")
        (reward,) = analysis.from_dict(run.spec).rewards
        assert (reward.name, reward.on_failure) == (name, policy)
        told = alice_client.get(f"/api/v1/runs/{run.pk}").json()
        assert told["spec"]["rewards"][0]["on_failure"] == policy


def test_an_analysis_is_opened_again_as_it_was(
    alice_client: Client, charlie_client: Client, recorded: DataVersion, team: Team, alice: User
) -> None:
    code = rewards.create(team, alice, "ends right", CODE)
    first = fields(alice_client.get(PAGE).content.decode())
    seen = alice_client.post(PAGE, {**first, "do": "look", "add_reward": code.reference}, headers=HTMX)
    changes = {
        "do": "launch", "experiment": "Mine", "name": "changed", "rewards.0.params.tolerance": "0.25",
        "rewards.0.weight": "-2", "rewards.1.on_failure": "zero", "tokenizer": "own",
        "own_tokenizer": "Qwen/Qwen2.5-0.5B", "credit.grpo.params.norm": "none",
    }  # fmt: skip
    alice_client.post(PAGE, {**fields(seen.content.decode()), **changes})
    run = Run.objects.get()
    assert analysis.from_dict(run.spec).credits[0].params == {"norm": "none"}
    again = f"{PAGE}?again={run.pk}"
    assert again in alice_client.get(f"/runs/{run.pk}/").content.decode()
    shown = fields(alice_client.get(again).content.decode())
    alice_client.post(PAGE, {**shown, "do": "launch"})
    made = Run.objects.exclude(pk=run.pk).get()
    assert (made.spec, made.experiment.name) == (run.spec, "Mine")
    assert charlie_client.get(again).status_code == 404
    Run.objects.update(kind=Run.TRAIN)
    assert {alice_client.get(one).status_code for one in (again, f"{PAGE}?again=x")} == {404}
