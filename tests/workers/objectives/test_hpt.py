"""HPT: its loss by hand, its marks, and the one estimator behind many methods, part by part."""

from math import exp, log
from typing import Any

import pytest
import torch

from tests.workers.pushed import Words, differences, pushes, said, spoken
from tests.workers.stage import run_credit, stage

NOW: Words = [[-0.5, -0.9], [-1.0, -0.2, -0.4], [-0.7], [-0.3, -0.6]]
WAS: Words = [[-0.6, -0.9], [-0.9, -0.2, -0.5], [-0.7], [-0.4, -0.5]]
SHOWN: Words = [[-1.2, -0.7, -0.3]]
SOLVED = [1.0, 0.0, 1.0, 0.0]


def marked(*tags: int) -> dict[str, Any]:
    return {"tag_N": torch.tensor(tags)}


def test_the_completions_of_a_prompt() -> None:
    """A = 0.5, -0.5, 0.5, -0.5 by credit without deviation; T = 4; minus the sum of ratio times A over T."""
    made = spoken(NOW, WAS, rewards=SOLVED)
    advantage_NT = run_credit("grpo", made, {"norm": "none"}).advantage_NT
    assert advantage_NT[:, 0].tolist() == [0.5, -0.5, 0.5, -0.5]
    _, value_P = said("hpt", made, {"length": 4}, advantage_NT=advantage_NT)
    assert value_P.tolist() == pytest.approx([0.239356], abs=1e-6)


def test_a_demonstration_is_imitated_by_the_mean_over_its_tokens() -> None:
    made = spoken(SHOWN, [[-9.0, -9.0, -9.0]])
    assert said("hpt", made, **marked(0))[1].tolist() == pytest.approx([0.733333], abs=1e-6)


@pytest.mark.parametrize(("coef", "expected"), [(1.0, 0.972689), (0.3, 0.459356)])
def test_both_on_one_batch(coef: float, expected: float) -> None:
    """Two prompts; their sum, as the catalogue has it."""
    made = spoken([*NOW, *SHOWN], [*WAS, *SHOWN], owed=[0.5, -0.5, 0.5, -0.5, 0.0], groups=[0, 0, 0, 0, 1])
    _, value_P = said("hpt", made, {"length": 4, "sft_loss_coef": coef}, **marked(-1, -1, -1, -1, 0))
    assert float(value_P.sum()) == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize("reward", [1.0, 0.0])
def test_equal_rewards_push_nothing(reward: float) -> None:
    made = spoken(NOW, WAS, rewards=[reward] * 4)
    advantage_NT = run_credit("grpo", made, {"norm": "none"}).advantage_NT
    _, _, gradient = pushes("hpt", made, {"length": 4}, advantage_NT=advantage_NT)
    assert (gradient["logp"] == 0).all()


def test_its_gradient_agrees_with_differences() -> None:
    made = spoken([*NOW, *SHOWN, [-0.1, -2.0]], owed=[0.5, -0.5, 0.5, -0.5, 0.0, 0.8], groups=[0, 0, 0, 0, 1, 0])
    settings: list[dict[str, Any]] = [{}, {"off_policy": "plain"}, {"shape": 0.5}]
    for params in settings:
        given = marked(-1, -1, -1, -1, 0, 1)
        _, _, gradient = pushes("hpt", made, params, **given)
        expected = differences("hpt", made, params, **given)
        torch.testing.assert_close(gradient["logp"], expected, atol=1e-8, rtol=1e-5)


def test_an_off_policy_sample_alone_is_owed_its_reward_and_beside_others_its_advantage() -> None:
    """0.25 / 0.35 = 0.714286 of A over T."""
    alone = spoken([[log(0.25)]], rewards=[0.6], owed=[0.0])
    assert said("hpt", alone, {"length": 2}, **marked(1))[1].tolist() == pytest.approx([-0.714286 * 0.6 / 2], abs=1e-6)
    beside = spoken([[log(0.25)], [-1.0]], rewards=[0.6, 0.0], owed=[0.3, 0.0])
    found = said("hpt", beside, {"length": 2}, **marked(1, -1))[1]
    assert found.tolist() == pytest.approx([-0.714286 * 0.3 / 2], abs=1e-6)


def test_marks_of_other_selections_are_the_models_own_rows() -> None:
    made = spoken(NOW, WAS, owed=[0.5, -0.5, 0.5, -0.5])
    torch.testing.assert_close(said("hpt", made, **marked(7, 7, -1, 2))[1], said("hpt", made)[1])


def test_without_demonstrations_it_is_the_unclipped_surrogate_at_fixed_length() -> None:
    """The identity, on the awkward batch: Dr. GRPO's sum, a prompt's completions not averaged."""
    made = stage(torch.float64, junk=0.0)
    _, value_P, gradient = pushes("hpt", made, {"length": 6})
    _, plain, plain_gradient = pushes("ppo_clip", made, {"eps_low": 1.0, "eps_high": 1e9})
    torch.testing.assert_close(value_P.sum(), plain.sum() / 6)
    torch.testing.assert_close(gradient["logp"], plain_gradient["logp"] / 6)


# One estimator: every objective pushes a token by a coefficient that stands before the gradient of its log-probability.
def coefficient(name: str, params: dict[str, Any], tag: int = -1, owed: float = 0.8) -> float:
    """That of a token with probability 0.25 now and 0.2 when it was sampled, for an advantage of 0.8."""
    made = spoken([[log(0.25)]], [[log(0.2)]], owed=[owed], rewards=[owed])
    _, _, gradient = pushes(name, made, params, **marked(tag))
    return -float(gradient["logp"])


@pytest.mark.parametrize(
    ("method", "name", "params", "tag", "expected"),
    [
        ("SFT", "hpt", {"length": 1}, 0, 1.0),
        ("REINFORCE", "policy_gradient", {}, -1, 0.8),
        ("GRPO and PPO, inside the clip", "ppo_clip", {"eps_high": 0.28}, -1, 1.0),
        ("GRPO and PPO, outside", "ppo_clip", {"eps_high": 0.2}, -1, 0.0),
        ("CISPO", "cispo", {}, -1, 1.0),
        ("CISPO, the weight held", "cispo", {"eps_high": 0.1}, -1, 0.88),
        ("SRFT, offline", "hpt", {"length": 1, "off_policy": "plain"}, 1, 0.2),
        ("LUFFY, offline", "hpt", {"length": 1, "shape": 0.1}, 1, 0.163265),
    ],
)
def test_the_unified_estimators_coefficients(
    method: str, name: str, params: dict[str, Any], tag: int, expected: float
) -> None:
    """mask x (pi / denominator) x A: 1; A; 1.25 x 0.8; 0.25 x 0.8; 0.25 x 0.1 / 0.35^2 x 0.8. GSPO's is in its own
    test."""
    assert coefficient(name, params, tag) == pytest.approx(expected, abs=1e-6), method


def test_with_the_policy_as_denominator_and_an_advantage_of_one_it_is_imitation() -> None:
    """To 1e-10: the policy gradient with A = 1 on a demonstration, and the imitation of it."""
    made = spoken(SHOWN, owed=[1.0])
    _, _, imitation = pushes("hpt", made, **marked(0))
    _, _, plain = pushes("policy_gradient", made)
    torch.testing.assert_close(imitation["logp"] * 3, plain["logp"], atol=1e-10, rtol=0)


def test_four_parts_by_one_loop() -> None:
    """mask, denominator, advantage and likelihood gradient, written out for every token of a few completions, against
    three objectives."""
    made = spoken(NOW, WAS, owed=[0.5, -0.5, 0.5, -0.5])
    pushed = {
        "policy_gradient": pushes("policy_gradient", made)[2]["logp"],
        "ppo_clip": pushes("ppo_clip", made, {"eps_low": 0.05, "eps_high": 0.05})[2]["logp"],
        "gspo": pushes("gspo", made, {"eps_low": 0.05, "eps_high": 0.05}, segment_NT=made.mask_NT.long() - 1)[2][
            "logp"
        ],
    }
    for row, (now, was) in enumerate(zip(NOW, WAS, strict=True)):
        a = 0.5 if row % 2 == 0 else -0.5
        length = exp((sum(now) - sum(was)) / len(now))
        for t, (one, other) in enumerate(zip(now, was, strict=True)):
            for name, denominator in (
                ("policy_gradient", exp(one)),
                ("ppo_clip", exp(other)),
                ("gspo", exp(one) / length),
            ):
                ratio = exp(one) / denominator
                stable = not (ratio > 1.05 and a > 0) and not (ratio < 0.95 and a < 0)
                assert -float(pushed[name][row, t]) == pytest.approx(stable * ratio * a), (name, row, t)
