"""What every selection promises, tried on awkward prompts and completions over the whole catalogue."""

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.workers.chosen import ahead, fulfilled, select
from tests.workers.stage import GROUP, JUNK, NAN, REWARD, departs, names, stage, variants
from workers.engine.load import load
from workers.engine.tensors import Ahead, Candidates, Progress, Selection, Wish

KIND = "selection"
STAGES = ("prompts", "candidates", "credited")
PROMISES = ("order does not matter",)
MOST_ROUNDS = 16
ROWS = (7, 3, 9, 0, 5, 1, 8, 2, 6, 4)
EVERY = pytest.mark.parametrize(("name", "params"), variants(KIND))


def when(name: str) -> str:
    """The stage at which a selection works."""
    (found,) = [stage for stage in STAGES if load(KIND, name).needs(stage)]
    return found


def prompts() -> Ahead:
    """Never met, met too seldom, never solved, always solved, and three between, with seven completions each."""
    mixed = [[1.0] * won + [0.0] * (20 - won) for won in (0, 20, 10, 2, 10)]
    return ahead([[], [1.0] * 3, *mixed], 7)


def completions(junk: float = JUNK, order: tuple[int, ...] = tuple(range(10)), columns: int = 0) -> Candidates:
    """The awkward batch with hints, demonstrations and verdicts; equal advantages, entropies and rewards occur."""
    made = stage(junk=junk).rollouts
    mask_NT = made.mask_NT
    group_N, reward_N = torch.tensor(GROUP), torch.tensor(REWARD)
    advantage_NT = torch.where(mask_NT, torch.tensor([1.5, -0.5, 1.0, -1.0, -0.5, 0, 0, 0, 0, 0])[:, None], 0.0)
    entropy_NT = torch.where(mask_NT, 0.4, junk)
    answers = replace(
        made.answers,
        columns={
            "hints": tuple([f"hint {group}", f"hint {group} more"] for group in GROUP),
            "demonstration": tuple(f"shown {group}" for group in GROUP),
        },
        verdicts=tuple(float(reward > 0.5) for reward in REWARD),
    )
    index = torch.tensor(order)

    def wide(value_NT: Tensor, fill: float) -> Tensor:
        return torch.nn.functional.pad(value_NT[index], (0, columns), value=fill)

    rollouts = replace(
        made,
        prompt_NL=made.prompt_NL[index],
        prompt_mask_NL=made.prompt_mask_NL[index],
        token_NT=wide(made.token_NT, 0),
        mask_NT=wide(mask_NT, 0),
        logp_NT=wide(made.logp_NT, junk),
        group_N=group_N[index],
        answers=answers.rows(list(order)),
        streams={"entropy": wide(entropy_NT, junk)},
    )
    given = (reward_N[index], torch.full((10,), -1), Progress(60, 100))
    return Candidates(rollouts, *given, 0, wide(advantage_NT, 0.0))


def earn(wish: Wish) -> float:
    """Copies and demonstrations are right, and so is what is sampled under the stronger hint; new prompts are dead."""
    return float(wish.copy >= 0 or wish.text is not None or (wish.prompt or "").endswith("more"))


def decide(name: str, params: dict[str, object], made: Candidates | Ahead, seed: int = 0) -> Selection:
    """What a selection decides once its wishes are fulfilled; every wish is looked at."""
    for count in range(MOST_ROUNDS):
        decided = select(name, params, seed, **{when(name): made})
        if not decided.wishes:
            return decided
        assert isinstance(made, Candidates)
        assert when(name) == "candidates"
        assert made.round == count
        for wish in decided.wishes:
            fulfillable(wish, made)
        made = fulfilled(made, decided.wishes, earn, siblings=3)
    raise AssertionError(f"{name} never stops wishing")


def fulfillable(wish: Wish, made: Candidates) -> None:
    """A wish speaks of groups and rows that there are, and of one thing."""
    assert wish.tag >= 0
    assert wish.group == -1 or wish.group in made.rollouts.group_N.tolist()
    assert -1 <= wish.copy < len(made.reward_N)
    assert wish.text is None or wish.copy == -1
    assert wish.group >= 0 or (wish.copy == -1 and wish.text is None and wish.prompt is None)


def given(name: str, **more: Any) -> Candidates | Ahead:
    return prompts() if when(name) == "prompts" else completions(**more)


def numbers(decided: Selection, rows: int = 10) -> list[Tensor]:
    """What was decided about the first rows, as tensors that can be compared."""
    found = (decided.weight_N, decided.weight_NT)
    return [one[:rows] for one in found if one is not None] + ([] if decided.count_P is None else [decided.count_P])


def same(one: list[Tensor], other: list[Tensor]) -> bool:
    return all(torch.equal(first, second) for first, second in zip(one, other, strict=True))


@pytest.mark.parametrize("name", names(KIND))
def test_it_works_at_one_stage(name: str) -> None:
    assert sum(load(KIND, name).needs(one) for one in STAGES) == 1


@EVERY
def test_what_it_decides_has_the_stages_shape_and_no_negative_number(name: str, params: dict[str, object]) -> None:
    decided = decide(name, params, given(name))
    assert numbers(decided, 1000)
    for found in numbers(decided, 1000):
        assert found.isfinite().all()
        assert (found >= 0).all()
        assert not found.requires_grad
    if when(name) == "prompts":
        assert decided.count_P is not None
        assert decided.count_P.dtype == torch.long
        assert decided.count_P.shape == (7,)
        assert 0 < int(decided.count_P.sum()) <= 7 * 7
        assert decided.weight_N is None
    elif when(name) == "candidates":
        assert decided.weight_N is not None
        assert len(decided.weight_N) >= 10
        assert decided.weight_NT is None
    assert all(isinstance(value, float) and value == value for value in decided.statistics.values())


@pytest.mark.parametrize(("name", "params"), [one for one in variants(KIND) if when(one[0]) != "prompts"])
def test_tokens_outside_the_mask_and_junk_there_do_not_matter(name: str, params: dict[str, object]) -> None:
    clean = decide(name, params, completions(junk=0.0))
    for junk in (JUNK, NAN):
        assert same(numbers(decide(name, params, completions(junk=junk))), numbers(clean))
    wide = decide(name, params, completions(columns=3))
    if clean.weight_N is not None and wide.weight_N is not None:
        assert torch.equal(wide.weight_N[:10], clean.weight_N[:10])
    if clean.weight_NT is not None and wide.weight_NT is not None:
        assert torch.equal(wide.weight_NT[:, :6], clean.weight_NT)
        assert (wide.weight_NT[~completions(columns=3).rollouts.mask_NT] == 0).all()


def survives_shuffling(name: str, params: dict[str, object]) -> bool:
    """Whether the same rows (or prompts) are chosen when they stand in another order."""
    plain = numbers(decide(name, params, given(name)))
    if when(name) == "prompts":
        order = [3, 6, 0, 5, 2, 4, 1]
        there = prompts()
        shuffled: Ahead | Candidates = Ahead(there.past_PH[order], there.drawn_P[order], there.siblings)
        return same(numbers(decide(name, params, shuffled)), [one[order] for one in plain])
    shuffled = completions(order=ROWS)
    return same(numbers(decide(name, params, shuffled)), [one[list(ROWS)] for one in plain])


@EVERY
def test_order_does_not_matter_unless_it_says_so(name: str, params: dict[str, object]) -> None:
    assert survives_shuffling(name, params) or departs(load(KIND, name), "order does not matter")


@pytest.mark.parametrize("name", [name for name in names(KIND) if departs(load(KIND, name), "order does not matter")])
def test_order_does_matter_where_it_says_so(name: str) -> None:
    settings = [params for other, params in variants(KIND) if other == name]
    assert not all(survives_shuffling(name, params) for params in settings)


@EVERY
def test_the_same_generator_makes_the_same_choice(name: str, params: dict[str, object]) -> None:
    first, second = (numbers(decide(name, params, given(name), seed=4)) for _ in range(2))
    assert same(first, second)


@EVERY
def test_it_leaves_what_it_was_given_as_it_was(name: str, params: dict[str, object]) -> None:
    there, kept = given(name, junk=0.0), given(name, junk=0.0)
    decide(name, params, there)
    if isinstance(there, Ahead) and isinstance(kept, Ahead):
        torch.testing.assert_close(there.past_PH, kept.past_PH, equal_nan=True)
    if isinstance(there, Candidates) and isinstance(kept, Candidates):
        assert torch.equal(there.reward_N, kept.reward_N)
        assert torch.equal(there.tag_N, kept.tag_N)
        assert torch.equal(there.rollouts.group_N, kept.rollouts.group_N)


@EVERY
def test_memory_is_tensors_and_only_for_those_who_ask(name: str, params: dict[str, object]) -> None:
    memory = decide(name, params, given(name)).memory
    assert bool(memory) == load(KIND, name).needs("memory")
    assert all(isinstance(kept, Tensor) and kept.isfinite().all() for kept in memory.values())


@pytest.mark.parametrize("name", names(KIND))
def test_departures_name_promises_of_this_kind(name: str) -> None:
    assert all(departure.promise in PROMISES for departure in load(KIND, name).method.card.departs)


def test_the_stage_makes_selections_wish() -> None:
    """Otherwise the promises above would say little about them."""
    wishing = [name for name in names(KIND) if when(name) == "candidates"]
    assert wishing
    for name in wishing:
        assert select(name, candidates=completions()).wishes, name
