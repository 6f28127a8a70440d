"""The microscope's task on stored files: what it tells, and every fault as a sentence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from labapp import shelf
from labapp.runs import files
from labapp.runs.guided import guided
from labapp.workshop.algorithms import everything, with_recipe
from tests.workers import stored_step
from workers.contract.spec import Pick, to_dict
from workers.door.look import look_at
from workers.door.tasks import microscope

FILE = "runs/r/rollouts/step-000003.parquet"
READY = {one.slug: one.recipe for one in everything()}


def document(slug: str = "grpo", **changes: Any) -> dict[str, Any]:
    """A run with a ready-made recipe."""
    return to_dict(with_recipe(guided(shelf.catalogue()), READY[slug])) | changes


@pytest.fixture
def stored(settings: Any) -> str:
    """The file of a step in storage."""
    return files.save(FILE, stored_step.content())


def test_it_works(stored: str) -> None:
    """Leave-one-out credit is ±1 in the group where one is right, and nothing where both are wrong."""
    plain = document("rloo", objective={"kind": "objectives", "name": "policy_gradient"}, regularisers=[],
                     reduction={"kind": "reductions", "name": "token_mean"})  # fmt: skip
    made = microscope(stored, 3, [plain])
    assert made["error"] == ""
    assert (made["count"], made["tokens"]) == (4, 8)
    assert [row["index"] for row in made["rows"]] == [0, 1, 2, 3]
    assert made["recipes"][0]["weight"] == [[1.0, 1.0], [-1.0], [0.0, 0.0, 0.0], [0.0, 0.0]]
    assert made["recipes"][0]["sums"] == {"up": 2.0, "down": -1.0, "still": pytest.approx(5 / 8)}
    assert made["rows"][0]["rewards"] == {"correct": 1.0}


@pytest.mark.parametrize("slug", READY)
def test_every_recipe_is_followed_or_says_why_not(stored: str, slug: str) -> None:
    made = look_at(stored, 3, [document("grpo"), document(slug)])
    assert made["error"] == ""
    one = made["recipes"][1]
    assert bool(one["error"]) != bool(one["weight"])
    assert "Error:" not in one["error"], "a sentence and not an exception's name"
    json.dumps(made, allow_nan=False)


def test_a_loss_that_is_no_number_is_said(settings: Any) -> None:
    name = files.save(FILE, stored_step.content(ratio=float("inf")))
    made = look_at(name, 3, [document("grpo")])
    assert "the loss of regularisers/kl_k3 is no finite number on this batch" in made["recipes"][0]["error"]
    json.dumps(made, allow_nan=False)


def test_a_file_that_is_gone_or_broken_is_said(stored: str) -> None:
    assert look_at("runs/r/none.parquet", 7, []) == {
        "error": "The file of step 7 is gone from storage: runs/r/none.parquet"
    }
    files.save(FILE, b"no Parquet")
    assert look_at(stored, 3, [document()])["error"].startswith("data: the stored file cannot be read")


def test_a_document_that_cannot_be_read_is_said(stored: str) -> None:
    assert "cannot read a recipe: huh" in look_at(stored, 3, [document(huh=1)])["error"]
    unknown = document(credit={"kind": "credit", "name": "nowhere"})
    assert "nowhere" in look_at(stored, 3, [unknown])["recipes"][0]["error"]


def test_a_parameter_follows_its_schedule_to_the_step(settings: Any) -> None:
    """The ratio is 1.15 everywhere: a clip at 0.2 leaves it, one that has come down to 0.1 stops what goes up."""
    name = files.save(FILE, stored_step.content(ratio=1.15))
    bound = {"start": 0.2, "end": 0.1, "share": 0.5}
    clip = document("grpo", objective={"kind": "objectives", "name": "ppo_clip", "params": {"eps_high": bound}})
    clip |= {"regularisers": [], "budget": {"steps": 10}}
    early, late = (look_at(name, step, [clip])["recipes"][0]["sums"] for step in (1, 9))
    assert early["up"] > 0
    assert late["up"] == 0
    assert late["down"] == early["down"] < 0


def test_a_formula_is_followed(stored: str) -> None:
    own = Pick("credit", "formula", source="r - mean(r, group)")
    spec = document("grpo", credit=vars(own) | {"params": {}}, regularisers=[])
    weight = look_at(stored, 3, [spec])["recipes"][0]
    assert weight["error"] == ""
    assert weight["sums"]["up"] > 0
