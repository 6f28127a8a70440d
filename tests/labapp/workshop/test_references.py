"""How documents name what a team saved: `<id>@<version>`."""

import pytest

from labapp.accounts.models import Team, User
from labapp.runs.prechecks import data_version
from labapp.workshop import algorithms, rewards
from labapp.workshop.models import DataSet
from labapp.workshop.references import read_reference, reference_of
from labapp.workshop.saved import saved_rewards, version_of
from workers.contract.rewardnode import Node


def test_it_works() -> None:
    assert reference_of(12, 3) == "12@3"
    assert read_reference("12@3") == (12, 3)
    assert read_reference("9" * 18 + "@" + "9" * 9) == (10**18 - 1, 10**9 - 1)


@pytest.mark.parametrize(
    "text", ["", "@", "1", "1@", "@1", "1@2@3", "a@1", "1@b", "-1@1", " 1@1", "1@1 ", "1@1\n", "\0", "1@\0", "²@1",
             "٣@1", "9" * 19 + "@1", "1@" + "9" * 10, "code:1@1"],
)  # fmt: skip
def test_what_is_none(text: str) -> None:
    """Nothing but the digits of numbers that the database can hold."""
    assert read_reference(text) is None


def test_versions_are_found_by_what_names_them(team: Team, alice: User) -> None:
    recipe = algorithms.create(team, alice, "Mine", {})
    assert algorithms.version(team, recipe.reference) == recipe
    held = DataSet.objects.create(team=team, name="D", kind=DataSet.PROMPTS)
    data = held.versions.create(number=2, original="o", filename="f", file="x", digest="d")
    assert data_version(team, data.reference) == data
    code = rewards.create(team, alice, "brief", rewards.START)
    assert code.reference == f"code:{code.reward_id}@1"
    tree = rewards.create(team, alice, "both", Node("combining", "sum", of=(Node("rewards", code.reference),)))
    assert tree.reference == f"tree:{tree.reward_id}@1"
    assert saved_rewards(team) == {code.reference: code, tree.reference: tree}
    for version in (code, tree):
        assert version_of(team, version.reference) == version
    assert version_of(team, f"tree:{code.reward_id}@1") is None  # which is Python
