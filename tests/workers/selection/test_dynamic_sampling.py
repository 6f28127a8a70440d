"""DAPO's dynamic sampling: dead groups go, as many prompts come, and a step without a living group keeps all."""

import pytest

from tests.workers.chosen import candidates, select, settle
from workers.engine.tensors import Candidates, Wish


def groups(*rewards: list[float]) -> Candidates:
    flat = [reward for group in rewards for reward in group]
    return candidates(flat, [number for number, group in enumerate(rewards) for _ in group])


def kept(made: Candidates, params: dict[str, object], earn: list[float]) -> tuple[list[float], int]:
    """(weights, completions in the end); each new completion earns the next number of `earn`."""
    waiting = iter(earn)

    def next_one(_: Wish) -> float:
        return next(waiting)

    rows, decided = settle("dynamic_sampling", made, params, next_one)
    assert decided.weight_N is not None
    return list(decided.weight_N.tolist()), len(rows.reward_N)


def test_groups_that_differ_need_nothing() -> None:
    assert kept(groups([0, 1], [0.2, 0.1]), {}, []) == ([1, 1, 1, 1], 4)


def test_as_many_new_prompts_as_groups_were_dropped() -> None:
    made = select("dynamic_sampling", candidates=groups([1, 1], [0, 1], [0.1, 0.1, 0.1]))
    assert [wish.group for wish in made.wishes] == [-1, -1]
    assert all(wish.prompt is None and wish.text is None for wish in made.wishes)


def test_it_asks_until_every_place_is_taken() -> None:
    """Two places to fill; the first round brings a living and a dead group, the second a living one."""
    weights, rows = kept(groups([1, 1], [0, 1], [0, 0]), {}, [0, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 0])
    assert weights == [0, 0, 1, 1, 0, 0, 1, 1, 1, 1, 0, 0, 0, 0, 1, 1, 1, 1]
    assert rows == 6 + 3 * 4


def test_after_the_last_round_it_goes_on_with_what_there_is() -> None:
    assert kept(groups([1, 1], [0, 1]), {"rounds": 2}, [0] * 8) == ([0, 0, 1, 1] + [0] * 8, 12)
    assert kept(groups([1, 1], [0, 1]), {"rounds": 0}, []) == ([0, 0, 1, 1], 4)


def test_without_any_living_group_all_are_kept() -> None:
    assert kept(groups([1, 1], [0, 0]), {"rounds": 1}, [0] * 8) == ([1] * 12, 12)


def test_verdicts_may_decide_where_rewards_always_differ() -> None:
    """0.9 and 1.1 are both right, 0.1 and 0.3 both wrong; the first of each pair differs as a reward."""
    made = groups([0.9, 1.1], [0.1, 0.3], [0.1, 1.0])
    assert select("dynamic_sampling", {"by": "reward"}, candidates=made).wishes == ()
    assert len(select("dynamic_sampling", {"by": "verdict"}, candidates=made).wishes) == 2


def test_without_verdicts_it_says_so() -> None:
    made = groups([0, 1])
    object.__setattr__(made.rollouts.answers, "verdicts", (None, None))
    with pytest.raises(ValueError, match="let rewards decide"):
        select("dynamic_sampling", {"by": "verdict"}, candidates=made)


def test_it_tells_how_many_groups_were_sampled_and_kept() -> None:
    _, decided = settle("dynamic_sampling", groups([1, 1], [0, 1]), {"rounds": 1}, lambda _: 0.0)
    assert decided.statistics == {"kept groups": 0.5, "sampled groups": 1.5}
