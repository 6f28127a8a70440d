"""Generalised advantage estimation (GAE): each token against what a critic expected, errors blended along the way.

The critic says what the state before each token is worth; a token is owed by how much things turned out better than
that, summed over what follows with a weight that falls by `lam` a token. At `lam = 1` it is the reward to go less the
critic's value (little bias, much noise), at `lam = 0` one step of surprise. Pick it when there is one completion a
prompt, or rewards come on the way; it costs a second network. A penalty for leaving the reference belongs to the
regularisers here, not to the reward. A completion that was cut off is taken as ended: behind its last token nothing is
expected.
"""

from typing import Annotated

import torch
from torch import Tensor

from workers.contract.card import Card, Departure, Exhibit, Flag, Real, Source
from workers.engine.masks import masked, standardised
from workers.engine.tensors import Credit, Rollouts

CARD = Card(
    title="Generalised advantage (GAE, PPO's critic)",
    formula=r"A_t = \delta_t + \gamma \lambda\, A_{t+1}, \qquad \delta_t = r_t + \gamma\, V_{t+1} - V_t",
    source=Source("Schulman et al., 2015", "arXiv:1506.02438", "eq. 16", "https://arxiv.org/abs/1506.02438"),
    symbols={
        "A_t": "advantage of token t",
        r"\delta_t": "what token t brought beyond what was expected",
        "r_t": "reward that stands on token t",
        "V_t": "the critic's value of the state before token t, 0 behind the last",
        r"\gamma": "discount a token",
        r"\lambda": "how far errors are blended",
    },
    relatives=("credit/reinforce", "credit/grpo"),
    departs=(
        Departure("stays in its group", "advantages are standardised over the whole batch, as PPO does"),
        Departure("nothing for nothing", "a completion is judged by what the critic expected, not by its siblings"),
    ),
    exhibit=Exhibit(
        claim="On the same completions, advantages from a critic, which has to be learned first, make accuracy rise "
        "about as fast as the comparison of siblings, and the critic comes to explain most of what is earned.",
        watch=("heldout/accuracy", "critic/explained"),
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
        variant={
            "credit": {"kind": "credit", "name": "gae", "params": {}},
            "companions": [{"role": "critic", "learning_rate": 0.0003}],
        },
        found="Held-out accuracy 0.488 against 0.514 (GRPO), difference -0.026 [-0.065, +0.013] over three seeds of "
        "25 steps: a little lower in every seed, but these seeds do not tell. The critic does not come to "
        "explain what is earned: 0.04 of the variance in the last five steps, in which it has hardly begun to "
        "learn.",
    ),
)


def credit(
    rollouts: Rollouts,
    reward_NT: Tensor,
    value_NT: Tensor,
    *,
    gamma: Annotated[float, Real(0, 1), "discount a token"] = 1.0,
    lam: Annotated[float, Real(0, 1), "how far errors are blended: 0 one token, 1 to the end"] = 0.95,
    standardise: Annotated[bool, Flag(), "give the batch's advantages mean 0 and deviation 1"] = True,
) -> Credit:
    """Advantages over chosen tokens, foreign ones are passed over; `target_NT` is what the critic should have said."""
    mask_NT = rollouts.mask_NT
    reward_NT, value_NT = masked(reward_NT.detach(), mask_NT), masked(value_NT.detach(), mask_NT)
    advantage_NT = _blended(reward_NT, value_NT, mask_NT, gamma, lam)
    target_NT = masked(advantage_NT + value_NT, mask_NT)
    if standardise:
        advantage_NT = standardised(advantage_NT, mask_NT)
    return Credit(advantage_NT, target_NT)


def _blended(reward_NT: Tensor, value_NT: Tensor, mask_NT: Tensor, gamma: float, lam: float) -> Tensor:
    """The recursion from the last token to the first; what stands at a foreign token is carried over it."""
    advantage_NT = torch.zeros_like(value_NT)
    later_N, expected_N = torch.zeros_like(value_NT[:, 0]), torch.zeros_like(value_NT[:, 0])
    for position in reversed(range(mask_NT.shape[1])):
        chosen_N = mask_NT[:, position]
        surprise_N = reward_NT[:, position] + gamma * expected_N - value_NT[:, position]
        later_N = torch.where(chosen_N, surprise_N + gamma * lam * later_N, later_N)
        expected_N = torch.where(chosen_N, value_NT[:, position], expected_N)
        advantage_NT[:, position] = torch.where(chosen_N, later_N, 0.0)
    return advantage_NT
