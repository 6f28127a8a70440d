"""Learns from the completions whose advantages are most spread out, and from their uncertain, decisive tokens only.

Of all completions of the step those are kept whose advantages have the largest variance; of their tokens those with
the largest |advantage| × entropy. How much is kept grows over the run: a quick start from little, a full end. Pick it
to spend fewer tokens on gradients. With equal start and end there is no schedule (D2S); keeping all tokens chooses
completions only (D1S within groups, D1S-Cross over the batch).
"""

import math
from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Choice, Departure, Exhibit, Real, Source
from workers.engine.masks import last_token, masked, per_row
from workers.engine.tensors import Candidates, Progress, Selection

CARD = Card(
    title="Dual-level down-sampling (D3S)",
    formula=r"S = \operatorname{argmax}_{|S| = N(p)} \mathrm{Var}(A_S), \qquad"
    r" \text{tokens: the largest}\ K(p)\ \text{of}\ |A_{i,t}|\, H_{i,t}",
    source=Source("D3S", "Learning More with Less: Dynamic Dual-Level Down-Sampling for Efficient Policy Optimization"),
    symbols={
        "S": "kept completions",
        "A_S": "their advantages, as credit gave them",
        "N(p)": "how many are kept; it runs from start to end",
        "p": "share of the run's steps that is done",
        "K(p)": "share of the kept completions' tokens that are learned from",
        "H_{i,t}": "entropy of the next-token distribution, nats",
    },
    relatives=("selection/dynamic_sampling",),
    sure="medium",
    doubts="The paper's four numbers for start and end were not found; the defaults are ours. Ties are broken by the "
    "earlier row and token, which is ours too.",
    departs=(Departure("order does not matter", "between equal advantages or keys the earlier row is kept"),),
    exhibit=Exhibit(
        claim="Beside plain GRPO at equal numbers of sampled completions, the gradient is larger and the rise early is "
        "at least as fast, from a part of the tokens.",
        watch=("grad_norm", "heldout/accuracy"),
        shared={
            "budget.steps": 25,
            "batch_prompts": 10,
            "prompts.task.params": {"level": 4, "mixed": True},
            "rewards": [{"label": "correct", "name": "exact_answer"}],
            "regularisers": [],
            "optimiser.learning_rate": 0.0002,
            "optimiser.passes": 1,
        },
        variant={"selection": [{"kind": "selection", "name": "d3s", "params": {}}]},
        found="The gradient is larger: over three seeds of 25 steps its norm is 1.50 against 0.35 (GRPO), "
        "difference +1.15 [+0.69, +1.61], and still 0.46 against 0.29 in the last five, +0.16 [-0.03, +0.36], "
        "when most is kept. Held-out accuracy 0.516 against 0.514, difference +0.002 [-0.043, +0.047]: from a "
        "part of the tokens it rises as fast, as far as these seeds tell.",
    ),
)

TIE = 1e-12


def select(
    credited: Candidates,
    *,
    n_init: Annotated[float, Real(0, 1, open_low=True), "share of completions kept at the start"] = 0.25,
    n_final: Annotated[float, Real(0, 1, open_low=True), "share of completions kept at the end"] = 1.0,
    k_init: Annotated[float, Real(0, 1, open_low=True), "share of their tokens kept at the start"] = 0.2,
    k_final: Annotated[float, Real(0, 1, open_low=True), "share of their tokens kept at the end"] = 0.8,
    scope: Annotated[str, Choice(("batch", "group")), "where the spread is made largest"] = "batch",
) -> Selection:
    """Kept completions and kept tokens; advantages are not normalised again.

    A completion's advantage is that of its tokens, or their mean where they differ.
    ValueError when the completions bring no entropies.
    """
    rollouts, advantage_NT = credited.rollouts, credited.advantage_NT
    assert advantage_NT is not None, "credit comes before this selection"
    entropy_NT = rollouts.streams.get("entropy")
    if entropy_NT is None:
        raise ValueError("these completions bring no entropies, which tokens are chosen by")
    advantage_N = of_rows(advantage_NT, rollouts.mask_NT)
    count = between(n_init * len(advantage_N), n_final * len(advantage_N), credited.progress)
    if scope == "batch":
        kept_N = most_spread(advantage_N, rounded(count, len(advantage_N)))
    else:
        kept_N = torch.zeros_like(advantage_N, dtype=torch.bool)
        groups = torch.unique(rollouts.group_N)
        for group in groups:
            row_R = (rollouts.group_N == group).nonzero().squeeze(1)
            kept_N[row_R] = most_spread(advantage_N[row_R], rounded(count / len(groups), len(row_R)))
    key_NT = masked(advantage_NT.double().abs() * entropy_NT.double(), rollouts.mask_NT)
    open_NT = rollouts.mask_NT & kept_N[:, None]
    token_NT = largest(key_NT, open_NT, between(k_init, k_final, credited.progress))
    useful_N = kept_N & (advantage_N != 0)
    statistics = {
        "kept rows": float(kept_N.sum()) / max(1, len(kept_N)),
        "kept tokens": float(token_NT.sum()) / max(1, int(rollouts.mask_NT.sum())),
        "useful rows": float(useful_N.sum()) / max(1, int(kept_N.sum())),
    }
    return Selection(weight_N=kept_N.float(), weight_NT=token_NT.float(), statistics=statistics)


def between(start: float, end: float, progress: Progress) -> float:
    """The schedule's value at this step; the last step has reached `end`."""
    done = progress.step / progress.steps
    return (1 - done) * start + done * end


def rounded(wanted: float, most: int) -> int:
    """`wanted` to the nearest whole number, at least 1 and at most `most`."""
    return max(1, min(most, math.floor(wanted + 0.5)))


def of_rows(advantage_NT: Tensor, mask_NT: Tensor) -> Tensor:
    """One advantage a completion, exactly its tokens' where they agree (a rounded mean would break ties)."""
    shared_N = advantage_NT.gather(1, last_token(mask_NT)[:, None]).squeeze(1)
    shared_N = torch.where(mask_NT.any(dim=1), shared_N, 0.0)
    agrees_N = ((advantage_NT == shared_N[:, None]) | ~mask_NT).all(dim=1)
    mean_N = per_row(advantage_NT.double(), mask_NT) / mask_NT.sum(dim=1).clamp(min=1)
    return torch.where(agrees_N, shared_N.double(), mean_N)


def most_spread(advantage_N: Tensor, count: int) -> Tensor:
    """True on the `count` completions whose advantages have the largest variance: some of the largest, the rest of
    the smallest."""
    falling = torch.sort(advantage_N, descending=True, stable=True).indices
    rising = torch.sort(advantage_N, stable=True).indices
    # Moments of the k largest and of the k smallest, for every k; centred, so that little is lost by subtracting.
    centred_N = advantage_N - advantage_N.sum() / len(advantage_N)
    high = _moments(centred_N[falling][:count])
    low = _moments(centred_N[rising][:count]).flip(0)
    total = (high + low) / count
    variance = total[:, 1] - total[:, 0].square()
    positive = int((variance >= variance.max() - TIE).nonzero().max())
    kept_N = torch.zeros_like(advantage_N, dtype=torch.bool)
    kept_N[falling[:positive]] = True
    rest = rising[~kept_N[rising]]
    kept_N[rest[: count - positive]] = True
    return kept_N


def _moments(value_N: Tensor) -> Tensor:
    """Sums of the first 0, 1, 2, … values and of their squares."""
    both = torch.stack([value_N, value_N.square()], dim=1).cumsum(dim=0)
    return torch.cat([both.new_zeros((1, 2)), both])


def largest(key_NT: Tensor, open_NT: Tensor, share: float) -> Tensor:
    """True on that share of the open tokens with the largest keys, at least one; between equals the earlier one."""
    place_M = open_NT.flatten().nonzero().squeeze(1)
    order_M = torch.sort(key_NT.flatten()[place_M], descending=True, stable=True).indices
    kept = torch.zeros(open_NT.numel(), dtype=torch.bool, device=open_NT.device)
    kept[place_M[order_M[: rounded(share * len(place_M), len(place_M))]]] = True
    return kept.reshape(open_NT.shape)
