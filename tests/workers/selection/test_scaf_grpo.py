"""Scaf-GRPO: when hints are asked for, which level wins, who is replaced, and what credit makes of the group."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.workers.chosen import at, candidates, fulfilled, select, settle
from tests.workers.stage import run_credit
from tests.workers.tiny import tiny_spec
from tests.workers.worked import outcome, rollouts
from workers.contract.spec import Model, Pick, Prompts, RewardPick
from workers.engine.learner import make_learner
from workers.engine.step import Step, take_step
from workers.engine.tensors import Candidates, Wish

HINTS = ["a", "ab", "abc"]
NOW: dict[str, object] = {"warmup_steps": 2}


def groups(rewards: list[list[float]], hints: object = HINTS) -> Candidates:
    """One group of completions for each list of rewards, with the same hints, at step 3."""
    flat = [reward for group in rewards for reward in group]
    numbers = [number for number, group in enumerate(rewards) for _ in group]
    return candidates(flat, numbers, columns={"hints": (hints,) * len(flat)})


def earns(*successes: int) -> Callable[[Wish], float]:
    """A completion earns 1 under the hints of these levels (1 the weakest), and when it is copied."""
    return lambda wish: float(wish.copy >= 0 or len((wish.prompt or "").partition("=")[2]) in successes)


def test_hints_are_asked_for_where_nobody_succeeded() -> None:
    made = select("scaf_grpo", NOW, candidates=groups([[0, 0], [0, 1], [0.15, 0.15]]))
    asked = [(wish.group, wish.prompt) for wish in made.wishes]
    assert asked == [(g, f"problem {g}={hint}") for g in (0, 2) for hint in HINTS]
    assert all(wish.text is None and wish.copy == -1 and wish.tag >= 2 for wish in made.wishes)


def test_before_the_warm_up_is_over_nothing_is_asked_for() -> None:
    made = groups([[0, 0], [0, 1]])
    for step in (1, 49, 50):
        decided = select("scaf_grpo", {"warmup_steps": 50}, candidates=at(made, step, 100))
        assert decided.wishes == ()
        assert decided.weight_N is not None
        assert decided.weight_N.tolist() == [1, 1, 1, 1]
    assert select("scaf_grpo", {"warmup_steps": 50}, candidates=at(made, 51, 100)).wishes


@pytest.mark.parametrize("search", ["parallel", "sequential"])
@pytest.mark.parametrize(("successes", "level"), [((2, 3), 2), ((1, 2, 3), 1), ((3,), 3)])
def test_the_weakest_success_wins_and_takes_one_place(search: str, successes: tuple[int, ...], level: int) -> None:
    rows, made = settle("scaf_grpo", groups([[0, 0, 0], [1, 0, 0]]), {**NOW, "search": search}, earns(*successes))
    assert made.weight_N is not None
    weight = made.weight_N.tolist()
    assert sum(weight[:3]) == 2
    assert weight[3:6] == [1, 1, 1]
    (inserted,) = [row for row in range(6, len(weight)) if weight[row]]
    assert rows.rollouts.answers.prompts[inserted] == "problem 0="  # the stand-in sampler does not keep other words
    assert int(rows.tag_N[inserted]) % 100 == level
    assert made.statistics["hint level"] == level
    # Exactly one reward of the group changed from 0 to 1.
    kept = made.weight_N.bool() & (rows.rollouts.group_N == 0)
    assert sorted(rows.reward_N[kept].tolist()) == [0, 0, 1]


def test_searching_one_level_after_the_other_samples_no_more_than_needed() -> None:
    start = groups([[0, 0], [0, 0]])
    rows, _ = settle("scaf_grpo", start, {**NOW, "search": "sequential"}, earns(2, 3))
    assert len(rows.reward_N) == 4 + 2 * 2
    rows, _ = settle("scaf_grpo", start, NOW, earns(2, 3))
    assert len(rows.reward_N) == 4 + 2 * 3


def test_the_catalogues_levels_and_the_first_of_a_level() -> None:
    """Successes at levels 3, 5 and 7 of eight: level 3. Two rows of one level: the one in front."""
    hints = ["h" * level for level in range(1, 9)]
    rows, made = settle("scaf_grpo", groups([[0, 0]], hints), NOW, earns(3, 5, 7))
    assert made.weight_N is not None
    assert made.weight_N.tolist()[2:] == [0, 0, 1, 0, 0, 0, 0, 0]
    doubled = replace(rows, tag_N=torch.where(rows.tag_N == rows.tag_N[6], rows.tag_N[4], rows.tag_N))
    again = select("scaf_grpo", NOW, candidates=doubled)
    assert again.weight_N is not None
    assert again.weight_N.tolist()[2:] == [0, 0, 1, 0, 0, 0, 0, 0]


def test_a_group_that_no_hint_helps_stays_as_it_is() -> None:
    rows, made = settle("scaf_grpo", groups([[0, 0, 0]]), NOW, earns())
    assert made.weight_N is not None
    assert made.weight_N.tolist() == [1, 1, 1, 0, 0, 0]
    assert len(rows.reward_N) == 6
    batch = rollouts(["A", "B", "C"])
    assert (run_credit("grpo", batch, reward_NT=outcome(batch, [0, 0, 0])).advantage_NT == 0).all()


def test_two_places_are_taken_with_the_hint_and_without() -> None:
    rows, made = settle("scaf_grpo", groups([[0] * 8]), {**NOW, "replace_num": 2}, earns(2))
    assert made.weight_N is not None
    weight = made.weight_N.tolist()
    assert sum(weight[:8]) == 6
    assert weight[8:] == [0, 1, 0, 1]
    assert sorted(rows.reward_N[made.weight_N.bool()].tolist()) == [0] * 6 + [1] * 2


def test_the_copy_stands_under_the_bare_prompt() -> None:
    """The wish names the completion and gives no other words, so its old log-probabilities are those without hint."""
    start = groups([[0, 0]])
    hinted = fulfilled(start, select("scaf_grpo", NOW, candidates=start).wishes, earns(2))
    copied = select("scaf_grpo", {**NOW, "replace_hint_prompt": True}, candidates=hinted).wishes
    assert [(wish.group, wish.copy, wish.prompt, wish.text) for wish in copied] == [(0, 3, None, None)]
    rows, made = settle("scaf_grpo", start, {**NOW, "replace_hint_prompt": True}, earns(2))
    assert made.weight_N is not None
    assert made.weight_N.tolist()[2:] == [0, 0, 0, 1]
    assert float(made.weight_N[:2].sum()) == 1
    assert len(rows.reward_N) == 6


def test_the_failure_that_goes_is_drawn() -> None:
    gone = set()
    for seed in range(20):
        _, made = settle("scaf_grpo", groups([[0, 0, 0]]), NOW, earns(1), seed)
        assert made.weight_N is not None
        gone.add(made.weight_N[:3].tolist().index(0))
    assert gone == {0, 1, 2}


def test_credit_of_the_mended_group() -> None:
    """The catalogue's eight: one success 2.474867 and −0.353552; two 1.620182 and −0.540061."""
    batch = rollouts(["A"] * 8)
    for wins, high, low in ((1, 2.474867, -0.353552), (2, 1.620182, -0.540061)):
        rewards = [1.0] * wins + [0.0] * (8 - wins)
        found = run_credit("grpo", batch, reward_NT=outcome(batch, rewards)).advantage_NT[:, 0]
        # The catalogue divides by the deviation plus 1e-6 in double precision; ours is float32.
        assert found.tolist() == pytest.approx([high] * wins + [low] * (8 - wins), abs=2e-6)


def test_the_funnel_counts_every_prompt_once() -> None:
    start = groups([[0, 0], [0, 1], [0, 0], [1, 1]])
    _, made = settle("scaf_grpo", start, NOW, lambda wish: float(wish.group == 2 and len(wish.prompt or "") >= 12))
    assert made.statistics["solved alone"] == 0.5
    assert made.statistics["solved with a hint"] == 0.25
    assert made.statistics["failed"] == 0.25
    early = select("scaf_grpo", {"warmup_steps": 9}, candidates=start).statistics
    assert (early["solved alone"], early["failed"], early["solved with a hint"]) == (0.5, 0.5, 0)


def test_the_ladder_may_be_shorter_and_the_joint_is_set() -> None:
    made = select("scaf_grpo", {**NOW, "hint_levels": 1, "between": "\nHint: "}, candidates=groups([[0, 0]]))
    assert [wish.prompt for wish in made.wishes] == ["problem 0=\nHint: a"]
    none = select("scaf_grpo", NOW, candidates=groups([[0, 0]], None))
    assert none.wishes == ()


def test_prompts_without_hints_are_refused_with_what_they_have() -> None:
    with pytest.raises(ValueError, match="'hints', but the prompts have: none"):
        select("scaf_grpo", NOW, candidates=candidates([0, 0], [0, 0]))
    with pytest.raises(ValueError, match="a list of texts"):
        select("scaf_grpo", NOW, candidates=groups([[0, 0]], "not a list"))


def real_step(folder: Path, **params: object) -> Step:
    """One step of the starter model on sums of four numbers, which it never solves."""
    spec = tiny_spec(
        folder,
        model=Model(),
        prompts=Prompts(task=Pick("tasks", "arithmetic", {"level": 4})),
        rewards=(RewardPick("correct", "exact_answer"),),
        selection=(Pick("selection", "scaf_grpo", {"warmup_steps": 0, **params}),),
        regularisers=(),
        batch_prompts=6,
        max_new_tokens=48,
    )
    return take_step(make_learner(spec, lambda *_: None), 1)


def test_in_a_real_step_the_inserted_completion_is_on_policy_under_its_hint(tmp_path: Path) -> None:
    """Its old log-probabilities are those under the hinted prompt: every ratio is 1 at the first update."""
    made = real_step(tmp_path)
    prompts, rewards = made.table.columns["prompt"], made.table.columns["reward_total"]
    hinted = [row for row, prompt in enumerate(prompts) if not prompt.endswith("=") or prompt.count("=") > 1]
    learned = [row for row in hinted if (made.table.streams["advantage"][row] != 0).any()]
    assert learned
    assert all(rewards[row] == 1.0 for row in learned)
    for row in learned:
        ratio = made.table.streams["ratio"][row][: made.table.columns["length"][row]]
        assert ratio.tolist() == pytest.approx([1.0] * len(ratio), abs=1e-4)


def test_in_a_real_step_the_bare_copy_is_far_less_likely(tmp_path: Path) -> None:
    made = real_step(tmp_path, replace_num=2)
    columns, logp = made.table.columns, made.table.streams["logp"]
    likely: dict[tuple[int, str], list[tuple[str, float]]] = {}
    for row in range(len(columns["prompt"])):
        if (made.table.streams["advantage"][row] > 0).any():
            told = (columns["prompt"][row], float(logp[row][: columns["length"][row]].sum()))
            likely.setdefault((columns["group"][row], columns["completion"][row]), []).append(told)
    assert likely
    for pair in likely.values():
        (hinted, under_hint), (bare, without) = pair
        assert hinted.startswith(bare)
        assert without < under_hint - 1
