"""The microscope: what a recipe weighs each token of a stored batch, against the gradient written down by hand."""

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import torch
from torch import Tensor

from tests.workers.tiny import MemoryLedger, tiny_spec
from workers.contract.answers import CUT_OFF, FINISHED, Answers
from workers.contract.errors import RunError
from workers.contract.recipes import ORDERS
from workers.contract.spec import Budget, Companion, Pick, RewardPick, RunSpec
from workers.engine.batch import rows_of
from workers.engine.masks import group_equal
from workers.engine.microscope import Seen, look
from workers.engine.run import train
from workers.engine.stored_credit import Stored, read_stored
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
    with pytest.raises(RunError, match="completions that the reference policy writes, which no stored batch holds"):
        look(stored, replace(spec, shaping=(Pick("shaping", "par"),)))


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


def without(stored: Stored, row_R: Tensor) -> Stored:
    """Only these completions, as if no other had ever been sampled."""
    rewards = {label: value_N[row_R] for label, value_N in stored.rewards.items()}
    return Stored(rows_of(stored.rollouts, row_R), rewards, [stored.pieces[n] for n in row_R.tolist()])


def same_push(one: Seen, other: Seen, row_R: Tensor, factor: float = 1.0) -> None:
    """`one` sees on these rows what `other` sees of them alone, and nothing elsewhere."""
    length = other.weight_NT.shape[1]
    torch.testing.assert_close(one.advantage_NT[row_R, :length], other.advantage_NT)
    torch.testing.assert_close(one.weight_NT[row_R, :length], factor * other.weight_NT)
    assert other.weight_NT.abs().max() > 0
    rest_N = torch.ones(len(one.weight_NT), dtype=torch.bool)
    rest_N[row_R] = False
    assert (one.weight_NT[rest_N] == 0).all()
    assert (one.advantage_NT[rest_N] == 0).all()


ACROSS = [
    {"credit": Pick("credit", "reinforce_pp")},
    {"credit": Pick("credit", "riskpo", {"bundle_size": 2})},
    {"credit": Pick("credit", "bnpo")},
    {"credit": Pick("credit", "grpo"), "reduction": Pick("reductions", "sequence_mean")},
    {"credit": Pick("credit", "grpo"), "order": "credit first"},
    {"credit": None, "objective": Pick("objectives", "copg")},
]


@pytest.mark.parametrize("changes", ACROSS)
def test_a_completion_that_no_reward_speaks_of_might_as_well_not_be_there(
    made: tuple[RunSpec, Stored], changes: dict[str, Any]
) -> None:
    """A whole group and a single completion of another: parts that look across groups must not see them."""
    spec, stored = made
    group_N = stored.rollouts.group_N
    gone_N = (group_N == 1) | (torch.arange(len(group_N)) == (group_N == 0).nonzero()[0])
    rewards = {label: value_N.masked_fill(gone_N, torch.nan) for label, value_N in stored.rewards.items()}
    row_R = (~gone_N).nonzero().squeeze(1)
    recipe = replace(plain(spec), **changes)
    seen = look(replace(stored, rewards=rewards), recipe)
    same_push(seen, look(without(stored, row_R), recipe), row_R)


@pytest.mark.parametrize("changes", ACROSS)
def test_what_a_selection_leaves_out_before_credit_is_not_credited(
    made: tuple[RunSpec, Stored], changes: dict[str, Any]
) -> None:
    """A group whose completions all earned the same is dropped, and what is left weighs as if it were all."""
    spec, stored = made
    dead_N = stored.rollouts.group_N == 1
    rewards = {label: value_N.masked_fill(dead_N, 0.25) for label, value_N in stored.rewards.items()}
    stored = replace(stored, rewards=rewards)
    weight_K = torch.tensor([reward.weight for reward in spec.rewards])
    total_N = torch.stack(list(rewards.values()), dim=1) @ weight_K
    row_R = (~group_equal(total_N, stored.rollouts.group_N)).nonzero()[:, 0]
    assert 0 < len(row_R) < len(dead_N)
    recipe, drops = replace(plain(spec), **changes), (Pick("selection", "dynamic_sampling", {"rounds": 0}),)
    left = without(stored, row_R)
    factor = float(stored.rollouts.mask_NT.sum() / left.rollouts.mask_NT.sum())
    same_push(look(stored, replace(recipe, selection=drops)), look(left, recipe), row_R, factor)


def test_what_was_not_read_of_a_completion_is_not_taken_for_zero(made: tuple[RunSpec, Stored]) -> None:
    """Where a run left a completion out it stored zeros. The reference's word is taken as if nothing had moved, which
    in the first step is so; without a critic's values the completion is out."""
    spec, stored = made
    streams = {**stored.rollouts.streams, "value": torch.full_like(stored.rollouts.logp_NT, 0.25)}
    known = replace(stored, rollouts=replace(stored.rollouts, streams=streams))
    streams = {name: stream_NT.clone() for name, stream_NT in streams.items()}
    for name in ("ratio", "ref_logp", "value"):
        streams[name][:2] = 0.0
    poor = replace(stored, rollouts=replace(stored.rollouts, streams=streams))
    moved = plain(spec, credit=Pick("credit", "reinforce_pp"))
    torch.testing.assert_close(look(poor, moved).weight_NT, look(known, moved).weight_NT)
    assert look(poor, moved).notes[0].startswith("Of 2 completions that the run left out the reference's word")
    judged = plain(spec, credit=Pick("credit", "gae"), companions=(Companion("critic"),))
    seen, row_R = look(poor, judged), torch.arange(2, len(stored.pieces))
    mask_NT = stored.rollouts.mask_NT
    same_push(seen, look(without(known, row_R), judged), row_R, float(mask_NT.sum() / mask_NT[row_R].sum()))
    assert seen.notes[0].startswith("Of 2 completions that the run left out the critic's values")
    assert look(poor, plain(spec)).notes == ()


def test_a_step_of_which_nothing_is_left_pushes_nothing_and_says_so(made: tuple[RunSpec, Stored]) -> None:
    spec, stored = made
    ends = (CUT_OFF,) * len(stored.pieces)
    answers = replace(stored.rollouts.answers, ends=ends)
    cut = replace(stored, rollouts=replace(stored.rollouts, answers=answers))
    seen = look(cut, plain(spec, selection=(Pick("selection", "overlong_filter"),)))
    assert seen.notes == ("Nothing is left of this step to learn from.",)
    assert (seen.weight_NT == 0).all()
    none = {label: torch.full_like(value_N, torch.nan) for label, value_N in stored.rewards.items()}
    with pytest.raises(RunError, match="no reward applies"):
        look(replace(stored, rewards=none), plain(spec))


@pytest.mark.parametrize("credit", ["reinforce_pp", "riskpo", "grpo"])
def test_a_runs_own_recipe_sees_what_the_run_did(tmp_path: Path, credit: str) -> None:
    """Selections before and after credit: the advantage of every token is the one that the run stored."""
    picks = (Pick("selection", "dynamic_sampling", {"rounds": 0}), Pick("selection", "d3s", {"n_final": 0.7}))
    rewards = (RewardPick("t", "format", {"pattern": ".*t.*"}), RewardPick("d", "format", {"pattern": ".*[0-9].*"}))
    spec = tiny_spec(tmp_path, rewards=rewards, selection=picks, credit=Pick("credit", credit), budget=Budget(1))
    ledger = MemoryLedger(tmp_path)
    train(spec, ledger)
    stored = read_stored(ledger.files["rollouts/step-000001.parquet"])
    seen, streams = look(stored, spec), stored.rollouts.streams
    assert 0 < (streams["ratio"] > 0).any(dim=1).sum() < len(stored.pieces)
    torch.testing.assert_close(seen.advantage_NT, streams["advantage"], rtol=1e-4, atol=1e-5)
