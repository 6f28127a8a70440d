"""What is found before anything is queued: each trouble with its field, and the fix where there is one."""

from dataclasses import replace
from typing import Any

import pytest

from tests.workers.contract.specs import good
from tests.workers.contract.test_spec import change
from tests.workers.stage import catalogue
from workers.contract.checking import complete, troubles
from workers.contract.errors import PLACES, RunError, Trouble
from workers.contract.spec import Budget, Optimiser, Pick, Prompts, RewardPick, RunSpec, from_dict, to_dict

TASK = Pick("tasks", "arithmetic")
ALONE = Pick("credit", "reinforce")


def found(spec: RunSpec) -> list[Trouble]:
    return troubles(spec, catalogue())


def test_it_works() -> None:
    assert found(good()) == []


ONE_TROUBLE: list[tuple[dict[str, Any], str, str, dict[str, Any]]] = [
    ({"batch_prompts": 0}, "batch_prompts", "must be at least 1, not 0", {"batch_prompts": 1}),
    ({"siblings": -1, "credit": ALONE}, "siblings", "must be at least 1", {"siblings": 1}),
    ({"max_new_tokens": 0}, "max_new_tokens", "must be at least 1", {"max_new_tokens": 1}),
    ({"devices": 0}, "devices", "must be at least 1", {"devices": 1}),
    ({"seed": -1}, "seed", "must be at least 0", {"seed": 0}),
    ({"budget": Budget(steps=0)}, "budget.steps", "must be at least 1", {"budget.steps": 1}),
    ({"budget": Budget(eval_every=-1)}, "budget.eval_every", "at least 0", {"budget.eval_every": 0}),
    ({"optimiser": Optimiser(passes=0)}, "optimiser.passes", "must be at least 1", {"optimiser.passes": 1}),
    ({"temperature": 0.0}, "temperature", "must be more than 0 and finite", {}),
    ({"temperature": float("nan")}, "temperature", "must be more than 0 and finite", {}),
    ({"optimiser": Optimiser(learning_rate=0.0)}, "optimiser.learning_rate", "must be more than 0", {}),
    ({"optimiser": Optimiser(clip_norm=float("inf"))}, "optimiser.clip_norm", "finite", {}),
    (
        {"optimiser": Optimiser(micro_groups=5)},
        "optimiser.micro_groups",
        "5 groups a micro-batch does not divide the batch of 16 prompts",
        {"optimiser.micro_groups": 4},
    ),
    ({"precision": "float16"}, "precision", "is one of float32, bfloat16, not 'float16'", {}),
    ({"prompts": Prompts()}, "prompts", "choose one source of prompts", {}),
    ({"prompts": Prompts(task=TASK, path="a.jsonl")}, "prompts", "choose one source of prompts", {}),
    (
        {"prompts": Prompts(task=TASK, heldout_share=1.0)},
        "prompts.heldout_share",
        "must lie between 0 and 1",
        {"prompts.heldout_share": 0.1},
    ),
    ({"rewards": ()}, "rewards", "a run needs at least one reward", {}),
    ({"rewards": (RewardPick("", "brevity"),)}, "rewards.0.label", "needs a name of its own", {}),
    ({"rewards": (RewardPick("a", "brefity"),)}, "rewards.0.name", "there is no rewards method 'brefity'; known:", {}),
    (
        {"rewards": (RewardPick("a", "brevity", weight=float("inf")),)},
        "rewards.0.weight",
        "must be finite",
        {"rewards.0.weight": 1.0},
    ),
    ({"credit": Pick("objectives", "ppo_clip")}, "credit.kind", "must be 'credit'", {"credit.kind": "credit"}),
    (
        {"credit": Pick("credit", "tempo", {"td_weight": 3})},
        "credit.params.td_weight",
        "td_weight must be at most 2, not 3",
        {"credit.params.td_weight": 1.0},
    ),
    ({"credit": Pick("credit", "rloo", {"norm": "std"})}, "credit.params.norm", "unknown; rloo has: none", {}),
    (
        {"regularisers": (Pick("regularisers", "kl_k3"), Pick("regularisers", "kl_k3", {"coef": "much"}))},
        "regularisers.1.params.coef",
        "coef is a number, not 'much'",
        {"regularisers.1.params.coef": 0.05},
    ),
    (
        {"rewards": (RewardPick("a", "numeric_answer", {"tolerance": {"start": 0.1, "end": 0, "share": 1}}),)},
        "rewards.0.params.tolerance",
        "only parts of the recipe follow a schedule",
        {"rewards.0.params.tolerance": 1e-6},
    ),
    ({"siblings": 1}, "siblings", "grpo compares completions of one prompt", {"siblings": 8}),
    (
        {"prompts": Prompts(task=Pick("tasks", "arithmetic", {"level": 9}))},
        "prompts.task.params.level",
        "level must be at most 5, not 9",
        {"prompts.task.params.level": 2},
    ),
]


@pytest.mark.parametrize(("changes", "path", "words", "fix"), ONE_TROUBLE)
def test_each_trouble_has_its_field_and_its_fix(
    changes: dict[str, Any], path: str, words: str, fix: dict[str, Any]
) -> None:
    (trouble,) = found(good(**changes))
    assert trouble.path == path
    assert words in trouble.what
    assert trouble.fix == fix


@pytest.mark.parametrize("changes", [changes for changes, _, _, fix in ONE_TROUBLE if fix])
def test_each_fix_mends_its_trouble(changes: dict[str, Any]) -> None:
    """What the page offers to set is then without trouble."""
    spec = good(**changes)
    document = to_dict(replace(spec, temperature=1.0))
    for trouble in found(spec):
        for path, value in trouble.fix.items():
            change(document, path, value)
    mended = found(from_dict(document))
    assert not [trouble for trouble in mended if trouble.path in {one.path for one in found(spec)}]


def test_two_rewards_of_one_name_are_told_apart_on_both() -> None:
    twice = good(rewards=(RewardPick("a", "brevity"), RewardPick("a", "exact_answer")))
    assert [trouble.path for trouble in found(twice)] == ["rewards.0.label", "rewards.1.label"]


def test_a_method_that_changed_since_is_named_with_both_digests() -> None:
    now = catalogue().get("credit", "grpo").digest
    (trouble,) = found(good(credit=Pick("credit", "grpo", {}, "0123456789ab")))
    assert trouble.path == "credit.digest"
    assert "0123456789ab then" in trouble.what
    assert trouble.fix == {"credit.digest": now}
    assert found(good(credit=Pick("credit", "grpo", {}, now))) == []


def test_one_completion_a_prompt_suits_a_running_baseline() -> None:
    assert found(good(siblings=1, credit=ALONE)) == []


def test_users_code_is_not_looked_for_in_the_catalogue() -> None:
    assert found(good(rewards=(RewardPick("mine", "code:1@1", source="def reward(completions): ..."),))) == []


def test_all_troubles_are_told_at_once() -> None:
    wrong = good(batch_prompts=0, temperature=-1.0, rewards=(), credit=Pick("credit", "grop"))
    paths = {trouble.path for trouble in found(wrong)}
    assert paths == {"batch_prompts", "temperature", "rewards", "credit.name"}


def test_a_pick_is_completed_with_defaults_and_zero_is_a_number() -> None:
    assert complete(Pick("regularisers", "kl_k3"), catalogue()) == {"coef": 0.05}
    assert complete(Pick("regularisers", "kl_k3", {"coef": 0}), catalogue()) == {"coef": 0}


def test_a_run_error_is_one_sentence_with_a_place_from_the_list() -> None:
    error = RunError("reward", "the third answer has no number.", "Choose another column.", {"sample": 3})
    assert str(error) == "reward: the third answer has no number. Choose another column."
    assert str(RunError("memory", "none left.")) == "memory: none left."
    assert len(set(PLACES)) == len(PLACES)
    with pytest.raises(AssertionError, match="unknown place 'kitchen'"):
        RunError("kitchen", "burnt")
