"""Selection: what is left of a fixed batch, or what each prompt is given before anything is sampled."""

from collections.abc import Mapping
from dataclasses import replace

import torch
from torch import Tensor

from workers.contract.answers import FINISHED, Answers
from workers.engine.load import Loaded, call
from workers.engine.masks import group_centred, group_std, spread
from workers.engine.probes.figure import Axis, Figure, Series, numbers
from workers.engine.tensors import Ahead, Candidates, Progress, Rollouts, Selection

RATES = tuple(rate / 16 for rate in range(17))
# Four groups of four completions: none right, one, two, all.
REWARDS = ((0, 0, 0, 0), (1, 0, 0, 0), (1, 1, 0, 0), (1, 1, 1, 1))
TOKENS = 6


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Bars: completions for each success rate, or the share of each completion's tokens that is learned from."""
    return _ahead(loaded, params) if loaded.needs("prompts") else _after(loaded, params)


def _ahead(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    past_PH = torch.tensor([[1.0] * round(16 * rate) + [0.0] * (16 - round(16 * rate)) for rate in RATES])
    ahead = Ahead(past_PH, torch.full((len(RATES),), 16), 8)
    made: Selection = call(loaded, {"prompts": ahead, **_common()}, params)
    assert made.count_P is not None
    names = [f"{rate:.2f}" for rate in RATES]
    series = [Series("completions", names, numbers(made.count_P.float()))]
    x, note = Axis("success rate of the prompt so far"), "One prompt of each rate; the mean is 8 completions a prompt."
    return Figure("Completions for each prompt", "bars", x, Axis("completions"), series, note)


def _after(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    candidates = _candidates()
    name = "candidates" if loaded.needs("candidates") else "credited"
    made: Selection = call(loaded, {name: candidates, **_common()}, params)
    rollouts = candidates.rollouts
    weight_NT = spread(torch.ones(len(rollouts.group_N)), rollouts.mask_NT)
    for weight in (None if made.weight_N is None else made.weight_N[:, None], made.weight_NT):
        weight_NT = weight_NT if weight is None else weight_NT * weight
    share_N = weight_NT.sum(dim=1) / TOKENS
    names = [
        f"prompt {g + 1}, {'right' if r else 'wrong'} {n + 1}"
        for g, row in enumerate(REWARDS)
        for n, r in enumerate(row)
    ]
    wishes = len(made.wishes)
    said = f" It first wishes for {wishes} further completions, which this figure does not have." if wishes else ""
    note = f"Four prompts with none, one, two and all of four completions right.{said}"
    series = [Series("learned from", names, numbers(share_N))]
    return Figure(
        "Share of each completion that is learned from", "bars", Axis("completion"), Axis("share"), series, note
    )


def _candidates() -> Candidates:
    reward_N = torch.tensor([float(reward) for row in REWARDS for reward in row])
    count = len(reward_N)
    group_N = torch.arange(len(REWARDS)).repeat_interleave(len(REWARDS[0]))
    mask_NT = torch.ones(count, TOKENS, dtype=torch.bool)
    # Entropy falls along a completion, and differs a little between rows so that nothing is tied.
    entropy_NT = 1.0 / (1 + torch.arange(TOKENS))[None] + 0.01 * torch.arange(count)[:, None]
    rollouts = Rollouts(
        torch.zeros(count, 1, dtype=torch.long), torch.ones(count, 1, dtype=torch.bool),
        torch.ones(count, TOKENS, dtype=torch.long), mask_NT, -torch.ones(count, TOKENS), group_N,
        _answers(reward_N.tolist()), streams={"entropy": entropy_NT},
    )  # fmt: skip
    advantage_N: Tensor = group_centred(reward_N, group_N) / (group_std(reward_N, group_N) + 1e-6)
    made = Candidates(rollouts, reward_N, torch.full((count,), -1), Progress(1, 10))
    return replace(made, advantage_NT=spread(advantage_N, mask_NT))


def _answers(rewards: list[float]) -> Answers:
    """Texts with everything that a selection may look for; the task's verifier agrees with the rewards."""
    count = len(rewards)
    columns = {"hints": (["7*6="],) * count, "demonstration": ("7*6=42",) * count}
    return Answers(("42",) * count, ("7*6=",) * count, (TOKENS,) * count, (FINISHED,) * count, columns, tuple(rewards))


def _common() -> dict[str, object]:
    return {"memory": {}, "generator": torch.Generator().manual_seed(0)}
