"""The microscope: what a recipe weighs each token of a stored batch, against the gradient written down by hand."""

import io
from dataclasses import replace
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.answers import FINISHED, Answers
from workers.contract.errors import RunError
from workers.contract.recipes import ORDERS
from workers.contract.spec import Companion, Pick, RewardPick, RunSpec
from workers.engine.microscope import Stored, look, read_stored
from workers.engine.run import train
from workers.engine.tensors import Rollouts


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> tuple[RunSpec, bytes]:
    """A run's spec and the file of its first step."""
    folder = tmp_path_factory.mktemp("microscope")
    rewards = (
        RewardPick("t", "format", {"pattern": ".*t.*"}),
        RewardPick("e", "format", {"pattern": ".*[0-9].*"}, 0.5),
    )
    spec, ledger = tiny_spec(folder, rewards=rewards), MemoryLedger(folder)
    train(replace(spec, budget=replace(spec.budget, steps=1, eval_every=0)), ledger)
    return spec, ledger.files["rollouts/step-000001.parquet"]


@pytest.fixture
def content(ran: tuple[RunSpec, bytes]) -> bytes:
    """The file."""
    return ran[1]


@pytest.fixture
def made(ran: tuple[RunSpec, bytes]) -> tuple[RunSpec, Stored]:
    """A run's spec and its first step as it was stored."""
    return ran[0], read_stored(ran[1])


def plain(spec: RunSpec, **changes: Any) -> RunSpec:
    """The policy gradient and nothing beside it."""
    return replace(spec, objective=Pick("objectives", "policy_gradient"), regularisers=(), **changes)


def test_the_weight_of_a_policy_gradient_is_its_advantage(made: tuple[RunSpec, Stored]) -> None:
    spec, stored = made
    seen = look(stored, plain(spec))
    mask_NT = stored.rollouts.mask_NT
    torch.testing.assert_close(seen.weight_NT, seen.advantage_NT * mask_NT, rtol=1e-4, atol=1e-5)
    torch.testing.assert_close(seen.advantage_NT, stored.rollouts.streams["advantage"], rtol=1e-4, atol=1e-5)
    assert (seen.weight_NT[mask_NT] != 0).any()


def test_sequence_mean_gives_short_completions_more(made: tuple[RunSpec, Stored]) -> None:
    """Each completion has one share: a token weighs (tokens in all) / (completions × its completion's length)."""
    spec, stored = made
    seen = look(stored, plain(spec, reduction=Pick("reductions", "sequence_mean")))
    mask_NT = stored.rollouts.mask_NT
    factor_N = mask_NT.sum() / (len(mask_NT) * mask_NT.sum(dim=1).clamp(min=1))
    torch.testing.assert_close(seen.weight_NT, seen.advantage_NT * factor_N[:, None], rtol=1e-4, atol=1e-5)


def test_the_ratio_of_the_last_pass_counts(made: tuple[RunSpec, Stored]) -> None:
    spec, stored = made
    ratio_NT = torch.where(stored.rollouts.mask_NT, torch.tensor(1.5), torch.tensor(0.0))
    rollouts = replace(stored.rollouts, streams={**stored.rollouts.streams, "ratio": ratio_NT})
    clip = replace(plain(spec), objective=Pick("objectives", "ppo_clip", {"eps_high": 0.2}))
    seen = look(Stored(rollouts, stored.rewards, stored.pieces), clip)
    up_NT = (seen.advantage_NT > 0) & rollouts.mask_NT
    assert (seen.weight_NT[up_NT] == 0).all(), "clipped: no push further up"
    down_NT = (seen.advantage_NT < 0) & rollouts.mask_NT
    torch.testing.assert_close(seen.weight_NT[down_NT], 1.5 * seen.advantage_NT[down_NT], rtol=1e-4, atol=1e-5)


def test_what_a_batch_does_not_hold_is_said(made: tuple[RunSpec, Stored]) -> None:
    spec, stored = made
    without = {name: value for name, value in stored.rollouts.streams.items() if name != "ref_logp"}
    poor = Stored(replace(stored.rollouts, streams=without), stored.rewards, stored.pieces)
    with pytest.raises(
        RunError, match="asks for the reference policy's log-probabilities, and this batch was stored without"
    ):
        look(poor, spec)
    with pytest.raises(RunError, match="asks for a critic's values, and this batch was stored without them"):
        look(stored, replace(spec, credit=Pick("credit", "gae"), companions=(Companion("critic"),)))
    with pytest.raises(RunError, match="learns from pairs"):
        look(stored, replace(spec, objective=Pick("preferences", "dpo")))


def test_credit_of_each_reward_and_then_the_sum_is_credit_of_the_sum_where_credit_is_linear(
    made: tuple[RunSpec, Stored],
) -> None:
    """Leave-one-out credit is linear in the rewards; GRPO, which divides by their spread, is not."""
    spec, stored = made
    for name, equal in (("rloo", True), ("grpo", False)):
        one = plain(spec, credit=Pick("credit", name))
        first, after = (look(stored, replace(one, order=order)).advantage_NT for order in ORDERS)
        assert torch.allclose(first, after, atol=1e-5) == equal


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"regularisers": (Pick("regularisers", "entropy"),)}, "entropy does not act through the log-probabilities"),
        ({"weighting": Pick("weighting", "min_norm")}, "here the rewards keep their own weights"),
        ({"credit": Pick("credit", "reinforce")}, "credit/reinforce learns from earlier steps"),
        ({"selection": (Pick("selection", "knapsack"),)}, "would sample further completions"),
    ],
)
def test_what_cannot_be_followed_is_noted(made: tuple[RunSpec, Stored], changes: dict[str, Any], said: str) -> None:
    spec, stored = made
    assert look(stored, plain(spec)).notes == ()
    (note,) = look(stored, replace(plain(spec), **changes)).notes
    assert said in note


def test_a_file_that_is_none_is_said() -> None:
    with pytest.raises(RunError, match="cannot be read"):
        read_stored(b"no Parquet")


def test_the_columns_are_read_as_they_were_stored(content: bytes, made: tuple[RunSpec, Stored]) -> None:
    """Against the table row by row."""
    _, stored = made
    for n, row in enumerate(pq.read_table(io.BytesIO(content)).to_pylist()):
        count = len(row["pieces"])
        assert stored.rollouts.token_NT[n, :count].tolist() == row["token_ids"]
        assert stored.rollouts.mask_NT[n].tolist() == row["mask"] + [False] * (stored.rollouts.mask_NT.shape[1] - count)
        torch.testing.assert_close(stored.rollouts.logp_NT[n, :count], torch.tensor(row["stream.logp"]))


@pytest.mark.parametrize(("level", "ratios"), [("step", (1.5, 1.5, 0.6)), ("completion", (1.35 ** (1 / 3),) * 3)])
def test_a_line_of_a_completion_is_a_step(made: tuple[RunSpec, Stored], level: str, ratios: tuple[float, ...]) -> None:
    """By hand: tokens `a`, `⏎`, `b` with ratios 1.5, 1.5 and 0.6 are a step of two and one of one; their geometric
    means times the advantage 1 of leave-one-out credit are the weights."""
    spec, _ = made
    mask_NT = torch.tensor([[True, True, True], [True, False, False]])
    ratio_NT = torch.tensor([[1.5, 1.5, 0.6], [1.0, 0.0, 0.0]])
    rollouts = Rollouts(
        torch.zeros(2, 0, dtype=torch.long), torch.zeros(2, 0).bool(), torch.ones(2, 3, dtype=torch.long), mask_NT,
        torch.where(mask_NT, -1.0, 0.0), torch.tensor([0, 0]),
        Answers(("a\nb", "c"), ("p", "p"), (3, 1), (FINISHED, FINISHED)), streams={"ratio": ratio_NT},
    )  # fmt: skip
    stored = Stored(rollouts, {"t": torch.tensor([1.0, 0.0])}, [["a", "\n", "b"], ["c"]])
    objective = Pick("objectives", "gspo", {"level": level, "eps_low": 0.9, "eps_high": 9.0})
    seen = look(stored, replace(plain(spec), credit=Pick("credit", "rloo"), objective=objective))
    assert seen.weight_NT[0].tolist() == pytest.approx(ratios, rel=1e-4)
