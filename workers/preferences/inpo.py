"""Iterative Nash policy optimisation (INPO): one step of mirror descent against oneself in each round.

Preferences may go in circles, so that no reward explains them. Each round samples completions from the present policy,
orders pairs by a preference oracle, and pulls the margin to a fixed size, measured from a mixture of the reference and
the policy as it was when the round began. Give the run's stock several rounds.

Doubts (the entry is of medium certainty): the paper's own eta for its large runs is not confirmed; 0.002 and the ratio
1/3 are those of a re-implementation (COMAL). The oracle here is the run's own reward: the better completion is the one
that earned more.
"""

from typing import Annotated

from torch import Tensor

from workers.contract.card import Card, Exhibit, Real, Source
from workers.engine.masks import per_row
from workers.engine.tensors import Pairs

CARD = Card(
    title="Iterative Nash policy optimisation (INPO)",
    formula=r"\ell = \Bigl(\Delta\ln\pi - k\,\Delta\ln\pi_{ref} - (1-k)\,\Delta\ln\pi_{n} - \frac{1}{2\eta}\Bigr)^2",
    source=Source("Zhang et al., 2024", "arXiv:2407.00617", "section 4", "https://arxiv.org/abs/2407.00617"),
    symbols={
        r"\Delta": "value at the better completion less that at the worse one, summed over tokens",
        r"\pi_{n}": "the policy as it was when the round began",
        "k": "share of the reference in what is held on to",
        r"\eta": "inverse step size",
    },
    sure="medium",
    doubts="The paper's own eta is not confirmed; 0.002 and 1/3 are those of a re-implementation.",
    relatives=("preferences/ipo", "preferences/dpo"),
    exhibit=Exhibit(
        claim="With three rounds of new samples INPO improves about as far as DPO does in as many rounds. (Pairs are "
        "ordered by a reward here, so that they do not go in circles, where INPO would have more to show.)",
        watch=("heldout/accuracy",),
        shared={
            "budget.steps": 48,
            "budget.eval_prompts": 128,
            "pool": {"prompts": 128, "siblings": 4, "rounds": 3},
            "regularisers": [],
            "optimiser.passes": 1,
            "credit": None,
        },
        baseline={"objective": {"kind": "preferences", "name": "dpo"}},
        variant={"objective": {"kind": "preferences", "name": "inpo", "params": {"eta": 0.05}}},
        found="Held-out accuracy 0.635 against 0.633 (DPO in as many rounds), difference +0.002 [-0.028, +0.031] "
        "over three seeds of 48 steps: about as far, and these seeds do not tell the two apart.",
    ),
)


def preference(
    pairs: Pairs,
    ref_pairs: Pairs,
    previous_pairs: Pairs,
    *,
    eta: Annotated[float, Real(0, open_low=True), "inverse step size: the margin aimed at is 1 / (2 eta)"] = 0.002,
    tau_over_eta: Annotated[float, Real(0, 1), "share of the reference in what is held on to"] = 0.333333,
) -> Tensor:
    """One loss a pair, (E,)."""
    margin_E = _margin(pairs) - tau_over_eta * _margin(ref_pairs) - (1 - tau_over_eta) * _margin(previous_pairs)
    return (margin_E - 1 / (2 * eta)).square()


def _margin(pairs: Pairs) -> Tensor:
    """Log-probability of the better completions less that of the worse ones, (E,)."""
    chosen, rejected = pairs.chosen, pairs.rejected
    return per_row(chosen.logp_NT, chosen.mask_NT) - per_row(rejected.logp_NT, rejected.mask_NT)
