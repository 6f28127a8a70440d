"""RiskPO: bundles of prompts are judged as one paper, and what lies low in the distribution of papers counts more.

The prompts of a step are put together in bundles; paper g of a bundle is the g-th completion of each of its prompts,
and its score the sum of their rewards. Scores are compared with two quantiles that are tracked from step to step: at
the upper one and above nothing is left to gain, below the lower one the loss is weighed by `w_mix`. Pick it when
GRPO's entropy collapses because easy prompts dominate. `tail = high` is the authors' risk-seeking counterpart.

Bundles follow the order of groups; prompts that fill no whole bundle make a smaller one whose scores are scaled up to
the same number. A completion without a token, or beyond the papers that its bundle can make, is owed nothing.
`formula = paper` is the printed form: parts that are not normalised, one advantage for all members; its loss is the
sequence ratio (GSPO), its `w_mix` 0.5, and it shuffles members.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Departure, Exhibit, Flag, Real, Source, Whole
from workers.engine.masks import group_centred, group_std, per_row, spread
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="Risk-based (RiskPO)",
    formula=r"A_g = \frac{1}{(w+1)\, s} \Bigl( -\frac{w\,(q_a - X_g)_+}{a} + "
    r"\frac{(X_g - q_a)_+ - (X_g - q_b)_+ + q_a - q_b}{b - a} \Bigr)",
    source=Source(
        "Ren et al., 2025",
        "arXiv:2510.00911",
        "code: verl/trainer/ppo/core_algos.py at github.com/RTkenny/RiskPO",
        "https://arxiv.org/abs/2510.00911",
    ),
    symbols={
        "A_g": "advantage of paper g, handed on to its completions",
        "X_g": "score of paper g: the sum of its completions' rewards",
        "q_a, q_b": "quantiles of the scores at the levels a and b",
        "a, b": "lower and upper level",
        "w": "weight of the part below the lower quantile",
        "s": "sample deviation of the bundle's scores, or 1",
    },
    relatives=("credit/grpo", "objectives/gspo"),
    departs=(
        Departure("stays in its group", "a paper holds completions of several prompts: that is the method"),
        Departure("the order of rows does not matter", "the g-th completions of the prompts make paper g"),
    ),
    doubts="The printed form and w = 0.5 differ from the code's normalised parts and w = 1.5; both are offered. "
    "Whether the released trainer carries tracked quantiles from step to step depends on an object that was not seen; "
    "here they are kept. Scripts differ on the natural baseline. Smaller last bundles are ours.",
    exhibit=Exhibit(
        claim="Entropy stays higher than with GRPO, and more of the held-out problems are solved, hard ones among "
        "them.",
        watch=("entropy", "heldout/accuracy"),
        shared={
            "budget.steps": 25,
            "batch_prompts": 10,
            "prompts.task.params": {"level": 4, "mixed": True},
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "regularisers": [],
            "optimiser.learning_rate": 0.0002,
            "optimiser.passes": 1,
        },
        baseline={"credit": {"kind": "credit", "name": "grpo", "params": {}}},
        variant={"credit": {"kind": "credit", "name": "riskpo", "params": {}}},
        found="Entropy stays higher: 0.131 against 0.081 nats (GRPO), difference +0.051 [+0.040, +0.061] over three "
        "seeds of 25 steps. That more problems are solved does not appear: held-out accuracy 0.436 against "
        "0.514, difference -0.077 [-0.197, +0.043], lower in every seed.",
    ),
)

LEVELS = tuple(step / 20 for step in range(1, 20))
EPSILON = 1e-6
LEAST_STD, LEAST_SUM = 1e-3, 1e-6


def credit(
    rollouts: Rollouts,
    reward_NT: Tensor,
    memory: Mapping[str, Tensor],
    generator: torch.Generator,
    *,
    quantile_down: Annotated[float, Real(0.05, 0.5), "level of the lower quantile"] = 0.2,
    quantile_up: Annotated[float, Real(0.5, 0.95), "level of the upper quantile"] = 0.8,
    bundle_size: Annotated[int, Whole(1), "prompts a bundle"] = 5,
    w_mix: Annotated[float, Real(0), "weight of the tail"] = 1.5,
    tail: Annotated[str, Choice(("low", "high")), "which tail counts more; high is the risk-seeking control"] = "low",
    lr_q: Annotated[float, Real(0, 1), "how far tracked quantiles move in a step"] = 0.1,
    q_track_mode: Annotated[
        str, Choice(("track", "batch", "mix")), "quantiles: tracked, the bundle's own, or their average"
    ] = "track",
    credit_assign_mode: Annotated[
        str, Choice(("uniform", "std", "score", "sum-mean")), "how a paper's advantage is handed to its completions"
    ] = "std",
    norm_by_std: Annotated[bool, Flag(), "divide by the deviation of the bundle's scores"] = True,
    formula: Annotated[str, Choice(("repository", "paper")), "normalised parts, or the printed form"] = "repository",
    shuffle_members: Annotated[bool, Flag(), "shuffle each prompt's completions before they are bundled"] = False,
    natural_baseline: Annotated[bool, Flag(), "level the middle part so that it is 0 at the upper quantile"] = True,
) -> Credit:
    """One advantage a completion; `memory` holds `quantile`, the scores' quantiles at 0.05, 0.10, … 0.95.

    ValueError for a printed form that seeks risk: there is none.
    """
    if formula == "paper" and tail == "high":
        raise ValueError("the printed form has no risk-seeking counterpart; take formula = repository")
    reward_N = per_row(reward_NT.detach(), rollouts.mask_NT)
    group_N = _groups(rollouts)
    std_N, centred_N = group_std(reward_N, group_N), group_centred(reward_N, group_N)
    tracked, a, b, w = memory.get("quantile"), quantile_down, quantile_up, w_mix
    advantage_N, papers = torch.zeros_like(reward_N), list[Tensor]()
    for row_PG in _bundles(group_N, bundle_size, generator if shuffle_members else None):
        score_G = reward_N[row_PG].sum(dim=0) * (bundle_size / len(row_PG))
        papers.append(score_G)
        low, high = (_quantile(score_G, tracked, q_track_mode, level) for level in (a, b))
        under_G, above_G = (low - score_G).clamp(min=0), (score_G - high).clamp(min=0)
        middle_G = (score_G - low).clamp(min=0) - above_G + (low - high if natural_baseline else 0.0)
        if formula == "paper":
            advantage_N[row_PG] = middle_G - (1 + w) * under_G
            continue
        tail_G = -under_G / (a + EPSILON) if tail == "low" else above_G / (1 - b + EPSILON)
        owed_G = (w * tail_G + middle_G / (b - a + EPSILON)) / (w + 1)
        if norm_by_std and len(score_G) > 1:
            owed_G = owed_G / (group_std(score_G, torch.zeros_like(row_PG[0])) + EPSILON)
        shares = _shares(credit_assign_mode, reward_N[row_PG], centred_N[row_PG], std_N[row_PG])
        advantage_N[row_PG] = owed_G * shares
    return Credit(spread(advantage_N, rollouts.mask_NT), memory={"quantile": _moved(tracked, papers, lr_q)})


def _groups(rollouts: Rollouts) -> Tensor:
    """Each completion's group; −1 for one without a token, which is nobody's sibling."""
    return torch.where(rollouts.mask_NT.any(dim=1), rollouts.group_N, -1)


def _bundles(group_N: Tensor, size: int, generator: torch.Generator | None) -> Iterator[Tensor]:
    """Bundle by bundle the rows of its prompts' completions, (P, G): as many as the smallest of its groups has."""
    rows = [(group_N == group).nonzero().squeeze(1) for group in torch.unique(group_N) if group >= 0]
    if generator is not None:
        rows = [row_G[torch.randperm(len(row_G), generator=generator).to(row_G.device)] for row_G in rows]
    for start in range(0, len(rows), size):
        bundle = rows[start : start + size]
        count = min(map(len, bundle))
        yield torch.stack([row_G[:count] for row_G in bundle])


def _quantile(score_G: Tensor, tracked: Tensor | None, mode: str, level: float) -> Tensor:
    """A quantile from the bundle, from what was tracked, or half of each; from the bundle where nothing was yet."""
    own = torch.quantile(score_G, level)
    if tracked is None or mode == "batch":
        return own
    place = level * 20 - 1
    below = min(int(place + EPSILON), len(LEVELS) - 2)
    kept = torch.lerp(tracked[below].to(own), tracked[below + 1].to(own), max(0.0, place - below))
    return kept if mode == "track" else (own + kept) / 2


def _shares(mode: str, reward_PG: Tensor, centred_PG: Tensor, std_PG: Tensor) -> Tensor:
    """What of its paper's advantage each completion is handed."""
    if mode == "std":
        return 1 / (torch.where(std_PG <= LEAST_STD, 1.0, std_PG) + EPSILON)
    if mode == "score":
        return torch.where(reward_PG > 0, 0.5, 1.5)
    if mode == "uniform":
        return torch.ones_like(reward_PG)
    total_G = centred_PG.sum(dim=0)
    even_G = total_G.abs() <= LEAST_SUM
    return torch.where(even_G, 1 / len(reward_PG), centred_PG / torch.where(even_G, 1.0, total_G))


def _moved(tracked: Tensor | None, papers: list[Tensor], rate: float) -> Tensor:
    """The tracked quantiles after this step: at first the batch's own, then each moves towards its level."""
    score_M = torch.cat(papers) if papers else torch.zeros(1)
    level = score_M.new_tensor(LEVELS)
    now = torch.quantile(score_M, level) if tracked is None else tracked.to(score_M)
    if not papers:
        return now
    below = (score_M[:, None] < now[None]).to(score_M.dtype).sum(dim=0) / len(score_M)
    return now + rate * (level - below)
