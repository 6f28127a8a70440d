"""Noisy verdicts and reasoning phrases: the catalogue's numbers, and shares over many prompts."""

from dataclasses import replace
from math import sqrt
from typing import Any

import pytest
import torch

from tests.workers.stage import run_credit
from tests.workers.worked import outcome, rollouts
from workers.contract.answers import FINISHED, Answers
from workers.contract.rewardnode import INNER, LEAF, Node
from workers.engine.facilities import Facilities
from workers.engine.judges import make_judge
from workers.engine.load import call, load
from workers.engine.tensors import Progress

PHRASES = "First, I need to compute. Wait, let me check. Therefore the answer is 5"


def judged(
    texts: list[str], verdicts: list[float | None], prompts: list[str] | None = None, seed: int = 0, **params: Any
) -> list[Any]:
    count, step = len(texts), params.pop("step", 1)
    asked = tuple(prompts or ["?"] * count)
    answers = Answers(tuple(texts), asked, (1,) * count, (FINISHED,) * count, verdicts=tuple(verdicts))
    given = {
        "answers": answers,
        "progress": Progress(step, 10),
        "generator": torch.Generator().manual_seed(seed),
    }
    return list(call(load("rewards", "noisy_rpr"), given, params))


def rpr(text: str, **params: Any) -> float:
    return float(judged([text], [], mode="rpr", marker="", **params)[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        (PHRASES, 0.25),
        (" ".join(["thus"] * 60), 0.025610),
        ("hello", 0.0),
        ("", 0.0),
        ("wait then therefore and hence <think> wait", 0.05),
        ("Wait. user: and then?", 0.0),
        ("first", 0.0),
        ("first, we", 0.05),
    ],
)
def test_phrases_by_hand(text: str, value: float) -> None:
    assert rpr(text) == pytest.approx(value, abs=1e-6)


def test_phrases_are_what_one_makes_them() -> None:
    text = "so 3+4=7; so then carry 1"
    assert rpr(text, phrases="so_|then|carry|nothing", divisor=4) == 0.75
    assert rpr("so then so then so then", phrases="so|then", divisor=2, ngram=2) == pytest.approx(1 - 2 / 5)
    assert rpr("Wait. user: and then?", made_up_turns=False) == 0.05
    assert rpr("a b c " * 5, phrases="a", divisor=0.5, ngram=20) == 1.0


def test_the_modes_by_hand() -> None:
    texts = ["wait #1", "wait #2", "wait"]
    verdicts: list[float | None] = [1.0, 0.0, 0.0]
    assert judged(texts, verdicts) == [1.0, 0.0, 0.0]
    assert judged(texts, verdicts, mode="rpr") == [0.05, 0.05, 0.0]
    assert judged(texts, verdicts, mode="correctness_plus_rpr") == [1.0, 0.05, 0.0]


def test_flipped_modes_by_hand() -> None:
    """A flipped right answer earns its phrases in the place of nothing, a flipped wrong one earns 1; RPR is not
    flipped, and nor is a completion without an answer."""
    texts = ["wait #1", "wait #2", "wait", "wait #"]
    verdicts: list[float | None] = [1.0, 0.0, 0.0, 0.0]
    found = {mode: judged(texts, verdicts, mode=mode, flip_prob=1.0) for mode in ("correctness", "rpr")}
    assert found == {"correctness": [0.0, 1.0, 0.0, 0.0], "rpr": [0.05, 0.05, 0.0, 0.0]}
    assert judged(texts, verdicts, mode="correctness_plus_rpr", flip_prob=1.0) == [0.05, 1.0, 0.0, 0.0]


def test_warm_up_rewards_phrases_alone() -> None:
    found = [judged(["wait #1"], [1.0], correctness_warmup=2, step=step) for step in (1, 2, 3)]
    assert found == [[0.05], [0.05], [1.0]]


@pytest.mark.parametrize("p", [0.1, 0.4, 0.5])
def test_a_prompt_is_flipped_as_a_whole_and_the_share_is_right(p: float) -> None:
    prompts = [str(n) for n in range(10_000) for _ in range(2)]
    verdicts: list[float | None] = [1.0, 0.0] * 10_000
    found = judged(["#1", "#2"] * 10_000, verdicts, prompts, flip_prob=p)
    right, wrong = torch.tensor(found).reshape(-1, 2).T
    assert bool((right == 1 - wrong).all())
    share = float(wrong.mean())
    assert abs(share - p) <= 3 * sqrt(p * (1 - p) / 10_000)
    # E r' = (1 - 2p) r + p: what is left of the difference between right and wrong.
    assert float((right - wrong).mean()) == pytest.approx(1 - 2 * share, abs=1e-6)
    assert float((right - wrong).mean()) == pytest.approx(1 - 2 * p, abs=6 * sqrt(p * (1 - p) / 10_000))


def test_flips_depend_on_seed_and_prompt_and_not_on_neighbours() -> None:
    prompts = [str(n) for n in range(50)]
    texts, verdicts = ["#1"] * 50, [1.0] * 50
    whole = judged(texts, [*verdicts], prompts, flip_prob=0.5)
    assert len(set(whole)) == 2
    assert judged(texts, [*verdicts], prompts[::-1], flip_prob=0.5) == whole[::-1]
    assert [judged(["#1"], [1.0], [prompt], flip_prob=0.5)[0] for prompt in prompts] == whole
    assert judged(texts, [*verdicts], prompts, seed=1, flip_prob=0.5) != whole


@pytest.mark.parametrize(
    ("rewards", "advantages"),
    [
        ([1.0, 0.0, 0.0, 1.0], [0.866024, -0.866024, -0.866024, 0.866024]),
        ([1.0, 0.0, 0.0, 0.0], [1.499997, -0.499999, -0.499999, -0.499999]),
    ],
)
def test_a_flipped_group_is_pushed_the_other_way(rewards: list[float | None], advantages: list[float]) -> None:
    batch = rollouts(["A"] * 4)
    for share, sign in ((0.0, 1.0), (1.0, -1.0)):
        earned = judged(["#1"] * 4, rewards, flip_prob=share)
        found = run_credit("grpo", batch, reward_NT=outcome(batch, earned)).advantage_NT[:, 0]
        torch.testing.assert_close(found, sign * torch.tensor(advantages), atol=1e-6, rtol=0)


def test_held_out_completions_are_scored_without_flips() -> None:
    """A fifth of the prompts is flipped in training; what is only looked at is the verdict itself."""
    count = 200
    verdicts = tuple(float(n % 2) for n in range(count))
    answers = Answers(
        ("#1",) * count, tuple(map(str, range(count))), (1,) * count, (FINISHED,) * count, verdicts=verdicts
    )
    tree = Node(INNER, "sum", of=(Node(LEAF, "noisy_rpr", {"flip_prob": 0.2}),))
    for node in (tree, tree.of[0]):
        judge = make_judge(node, "noisy", Facilities(seed=1, steps=10)).judge
        learned, measured = (list(judge(each, 3).total) for each in (answers, replace(answers, held_out=True)))
        assert measured == list(verdicts)
        assert 10 < sum(a != b for a, b in zip(learned, verdicts, strict=True)) < 80
        assert list(judge(replace(answers, held_out=True).rows([3, 4]), 3).total) == [1.0, 0.0]


def test_without_a_verdict() -> None:
    assert judged(["wait #1"], [None]) == [None]
    assert judged(["wait #1"], [None], mode="rpr") == [0.05]
    assert judged(["wait #1"], [], mode="rpr") == [0.05]
    with pytest.raises(ValueError, match="no verifier"):
        judged(["#1"], [])


def test_flips_are_drawn_for_each_prompt_or_for_each_completion() -> None:
    """Of 50 prompts with 8 completions each, about 0.3 of either are flipped; of a prompt all or, drawn apart, some."""
    prompts = [f"p{n // 8}" for n in range(400)]
    shares = {}
    for apart in (False, True):
        found = judged(["#1"] * 400, [1.0] * 400, prompts, flip_prob=0.3, per_rollout=apart)
        shares[apart] = [sum(found[at : at + 8]) / 8 for at in range(0, 400, 8)]
        assert sum(found) / 400 == pytest.approx(0.7, abs=4 * sqrt(0.3 * 0.7 / (400 if apart else 50)))
    assert set(shares[False]) == {0.0, 1.0}
    assert sum(0 < share < 1 for share in shares[True]) > 40
