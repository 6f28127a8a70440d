"""Chooses for each prompt between its own completions and one demonstration, by how often it was solved (HPT).

Up to a number of successes the completions are dropped and the demonstration is imitated; above it the model learns
from its own. Between two gates the demonstration is learned from as an off-policy sample instead. Pick it together
with the objective `hpt`, which knows the marks 0 (imitate) and 1 (off-policy), when demonstrations exist and many
prompts are still unsolved. Prompts without a demonstration keep their completions.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Real, Source, Text, Whole
from workers.engine.masks import group_sum
from workers.engine.tensors import Candidates, Selection, Wish

CARD = Card(
    title="Switch to a demonstration (HPT)",
    formula=r"\text{solved}(q) \le g: \{\tau^*\}_{SFT}, \qquad g < \text{solved}(q) \le g_{off}: \{\tau^*\}_{off},"
    r" \qquad \text{else: } \{\tau_1, \dots, \tau_n\}",
    source=Source("HPT", "Towards a Unified View of Large Language Model Post-Training"),
    symbols={
        "q": "a prompt",
        r"\tau^*": "its demonstration",
        r"\tau_i": "its completions",
        "g": "the gate",
        "g_{off}": "the second gate",
    },
    relatives=("objectives/hpt", "selection/scaf_grpo"),
    partners=("objectives/hpt",),
    doubts="The soft coefficients of the release are left out: they are an ablation, and weigh three losses a prompt.",
)

IMITATE, OFF_POLICY = 0, 1


def select(
    candidates: Candidates,
    *,
    switch_gate: Annotated[int, Whole(0, 32), "up to so many successes the demonstration is imitated"] = 0,
    switch_gate_off: Annotated[
        int, Whole(0, 32), "up to so many it is an off-policy sample; no more than the gate: never"
    ] = 0,
    solved: Annotated[float, Real(), "a completion is a success when it earned more than this"] = 0.5,
    column: Annotated[str, Text(100), "the prompts' column with their demonstration"] = "demonstration",
) -> Selection:
    """Wishes for the demonstrations; then weight 0 for the completions that they replace.

    ValueError when the prompts bring no such column.
    """
    tag_N, group_N = candidates.tag_N, candidates.rollouts.group_N
    own_N = (tag_N != IMITATE) & (tag_N != OFF_POLICY)
    if candidates.round == 0:
        count_N = group_sum((candidates.reward_N > solved).float(), group_N)
        below_N = count_N <= max(switch_gate, switch_gate_off)
        wishes = tuple(
            Wish(int(group_N[row]), text=text, tag=IMITATE if count_N[row] <= switch_gate else OFF_POLICY)
            for row in _first_rows(group_N, below_N)
            if (text := _demonstration(candidates, row, column)) is not None
        )
        if wishes:
            return Selection(wishes=wishes)
    shown_N = group_sum((~own_N).float(), group_N) > 0
    weight_N = torch.where(own_N & shown_N, 0.0, 1.0)
    return Selection(weight_N=weight_N, statistics=_shares(candidates, group_N, weight_N))


def _first_rows(group_N: Tensor, below_N: Tensor) -> list[int]:
    """The first row of each group below the gates, in order of the groups' numbers."""
    numbers = torch.unique(group_N[below_N])
    return [int((group_N == number).nonzero()[0]) for number in numbers]


def _demonstration(candidates: Candidates, row: int, column: str) -> str | None:
    texts = candidates.rollouts.answers.columns.get(column, ())
    if not texts:
        known = ", ".join(sorted(candidates.rollouts.answers.columns)) or "none"
        raise ValueError(f"demonstrations are taken from the column {column!r}, but the prompts have: {known}")
    return None if texts[row] is None else str(texts[row])


def _shares(candidates: Candidates, group_N: Tensor, weight_N: Tensor) -> dict[str, float]:
    """Shares of prompts that imitate and that learn off-policy, and of demonstrations among what is learned from."""
    met = len(torch.unique(group_N))
    imitated, off = (int((candidates.tag_N == tag).sum()) for tag in (IMITATE, OFF_POLICY))
    return {
        "imitated": imitated / met,
        "off policy": off / met,
        "offline data": (imitated + off) / max(1, int((weight_N > 0).sum())),
    }
