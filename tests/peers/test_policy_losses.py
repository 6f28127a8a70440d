"""Losses over advantages, and credit, against what TRL's own trainers said of the same numbers (`recorded/`)."""

from dataclasses import dataclass
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.peers.batches import logp_of
from tests.peers.recordings import assert_equal, read, tensors
from tests.workers.worked import outcome, rollouts
from workers.engine.load import call, load
from workers.engine.masks import masked, spread
from workers.engine.tensors import Loss, Pass

RECORDED = read("policy")


@dataclass(frozen=True)
class Ours:
    """The same loss made of Merit's parts: (name, parameters) of an objective, a reduction and a regulariser."""

    objective: tuple[str, dict[str, Any]]
    reduction: tuple[str, dict[str, Any]]
    regulariser: tuple[str, dict[str, Any]] | None = None


CLIP: tuple[str, dict[str, Any]] = ("ppo_clip", {"eps_low": 0.2, "eps_high": 0.2})
HIGHER: tuple[str, dict[str, Any]] = ("ppo_clip", {"eps_low": 0.2, "eps_high": 0.28})
EQUAL: dict[str, Ours] = {
    "grpo": Ours(CLIP, ("sequence_mean", {})),
    "grpo_on_policy": Ours(CLIP, ("sequence_mean", {})),
    "grpo_kl": Ours(CLIP, ("sequence_mean", {}), ("kl_k3", {"coef": 0.04})),
    "dr_grpo": Ours(CLIP, ("fixed_length", {"length": 6})),
    "dapo": Ours(HIGHER, ("token_mean", {})),
    "dapo_kl": Ours(HIGHER, ("token_mean", {}), ("kl_k3", {"coef": 0.1})),
    "gspo": Ours(("gspo", {"eps_low": 0.1, "eps_high": 0.3}), ("sequence_mean", {})),
    # TRL's bound is the weight itself, Merit's what it may be above 1.
    "cispo": Ours(("cispo", {"eps_high": 0.5}), ("token_mean", {})),
}


def ours(made: Ours, *, on_policy: bool, mask_name: str = "mask_NT") -> tuple[Tensor, Tensor]:
    """Merit's reduced loss on the recorded batch, and its gradient by the logits."""
    given = tensors(RECORDED["inputs"])
    mask_NT, leaf = given[mask_name], given["logits_NTV"].requires_grad_()
    logp_NT = masked(logp_of(leaf, given["token_NT"]), mask_NT)
    was_NT = logp_NT.detach() if on_policy else masked(given["was_NT"], mask_NT)
    supplied = {
        "now": Pass(logp_NT, mask_NT),
        "was": Pass(was_NT, mask_NT),
        "advantage_NT": spread(given["advantage_N"], mask_NT),
        "ref_logp_NT": given["ref_NT"],
        "mask_NT": mask_NT,
        "segment_NT": torch.where(mask_NT, 0, -1),
    }
    parts = [("objectives", made.objective)] + ([("regularisers", made.regulariser)] if made.regulariser else [])
    losses: list[Loss] = [call(load(kind, name), supplied, params) for kind, (name, params) in parts]
    weight_NT = call(load("reductions", made.reduction[0]), supplied, made.reduction[1])
    loss = (sum((loss.token_NT for loss in losses), torch.zeros(())) * weight_NT).sum()
    loss.backward()
    assert leaf.grad is not None
    return loss.detach(), leaf.grad


@pytest.mark.parametrize("name", EQUAL)
def test_loss_and_gradient_equal_trl(name: str) -> None:
    case = RECORDED["cases"][name]
    loss, grad_NTV = ours(EQUAL[name], on_policy=case["on_policy"])
    assert_equal(loss, case["loss"])
    assert_equal(grad_NTV, case["grad_NTV"])


RLOO = Ours(("whole_ratio", {"eps_low": 0.2, "eps_high": 0.2}), ("fixed_length", {"length": 1}))


@pytest.mark.parametrize("name", ["rloo", "rloo_on_policy"])
def test_rloo_equals_trl(name: str) -> None:
    """TRL's ratio here is one of whole completions, and it knows no holes."""
    case = RECORDED["cases"][name]
    loss, grad_NTV = ours(RLOO, on_policy=case["on_policy"], mask_name="present_NT")
    assert_equal(loss, case["loss"])
    assert_equal(grad_NTV, case["grad_NTV"])


def test_rloo_on_policy_is_the_plain_policy_gradient() -> None:
    """At ratio one TRL's gradient is that of log-probabilities summed over tokens."""
    made = Ours(("policy_gradient", {}), ("fixed_length", {"length": 1}))
    _, grad_NTV = ours(made, on_policy=True, mask_name="present_NT")
    assert_equal(grad_NTV, RECORDED["cases"]["rloo_on_policy"]["grad_NTV"])


@pytest.mark.parametrize(
    ("name", "method", "params", "rounding"),
    [
        ("grpo_none", "grpo", {"norm": "none"}, 1e-6),
        ("rloo", "rloo", {}, 1e-6),
        # TRL adds 1e-4 to the deviation, the paper's code and Merit 1e-6.
        ("grpo_std", "grpo", {"norm": "std"}, 3e-4),
    ],
)
def test_advantages_equal_trl(name: str, method: str, params: dict[str, Any], rounding: float) -> None:
    case = read("credit")["cases"][name]
    groups = [n // case["siblings"] for n in range(len(case["rewards"]))]
    made = rollouts(["AB"] * len(groups), groups)
    supplied = {"rollouts": made.rollouts, "reward_NT": outcome(made, case["rewards"])}
    credit = call(load("credit", method), supplied, params)
    torch.testing.assert_close(credit.advantage_NT[:, 0], torch.tensor(case["advantage_N"]), rtol=rounding, atol=1e-6)


def test_the_recorded_batch_is_one_where_every_bound_decides() -> None:
    """Otherwise equality would say nothing of the bounds: ratios beyond both, on both signs of the advantage."""
    given = tensors(RECORDED["inputs"])
    ratio_NT = (logp_of(given["logits_NTV"], given["token_NT"]) - given["was_NT"]).exp()
    for sign in (1, -1):
        rows = given["mask_NT"] & (sign * given["advantage_N"] > 0)[:, None]
        assert (ratio_NT[rows] > 1.5).any()
        assert (ratio_NT[rows] < 0.7).any()
