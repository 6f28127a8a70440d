"""Two distributions over a few tokens, and expectations taken over all of them instead of over samples."""

from dataclasses import replace

import torch
from torch import Tensor

from tests.workers.stage import run_loss, stage
from workers.engine.tensors import Loss, Pass


def two_policies(distance: float = 1.0) -> tuple[Tensor, Tensor]:
    """Log-probabilities over five tokens of a policy and of its reference; at distance 0 they are the same."""
    logits_V = torch.tensor([0.3, -0.8, 1.1, 0.0, -0.2], dtype=torch.float64)
    moved_V = logits_V + distance * torch.tensor([0.7, 0.1, -0.9, 0.4, -0.3], dtype=torch.float64)
    return moved_V.log_softmax(0), logits_V.log_softmax(0)


def kl(logp_V: Tensor, other_V: Tensor) -> float:
    """KL(p, q) in nats, from its definition."""
    return float((logp_V.exp() * (logp_V - other_V)).sum())


def _loss(name: str, logp_V: Tensor, ref_V: Tensor) -> Loss:
    """One completion of one token for each token there is."""
    mask_NT = torch.ones((len(logp_V), 1), dtype=torch.bool)
    made = replace(stage(), now=Pass(logp_V[:, None], mask_NT), ref_logp_NT=ref_V[:, None])
    return run_loss("regularisers", name, made, {"coef": 1.0})


def expected_value(name: str, logp_V: Tensor, ref_V: Tensor) -> float:
    """The estimate's mean when the policy draws the token."""
    return float((logp_V.exp() * _loss(name, logp_V, ref_V).statistics["kl"][:, 0]).sum())


def expected_gradient(name: str, logits_V: Tensor, ref_V: Tensor) -> Tensor:
    """The mean, over tokens that the policy draws, of the loss's gradient by the policy's logits."""
    logits_V = logits_V.clone().requires_grad_()
    logp_V = logits_V.log_softmax(0)
    mean = (logp_V.detach().exp() * _loss(name, logp_V, ref_V).token_NT[:, 0]).sum()
    return torch.autograd.grad(mean, logits_V)[0]


def gradient_of_kl(logits_V: Tensor, ref_V: Tensor, reverse: bool) -> Tensor:
    """The gradient by the logits of KL(policy, reference), or with `reverse` of KL(reference, policy)."""
    logits_V = logits_V.clone().requires_grad_()
    logp_V = logits_V.log_softmax(0)
    total = (ref_V.exp() * (ref_V - logp_V)).sum() if reverse else (logp_V.exp() * (logp_V - ref_V)).sum()
    return torch.autograd.grad(total, logits_V)[0]
