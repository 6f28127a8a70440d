"""What a policy says of tokens that were already chosen: log-probabilities and entropies, with or without gradient.

The vocabulary is touched only where the policy chose a token, in chunks; the temperature of sampling is part of the
policy, so that sampling and training speak of the same distribution.
"""

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint
from transformers import PreTrainedModel

from workers.contract.errors import RunError
from workers.engine import fits, linear
from workers.engine.reading import at_chosen
from workers.engine.recompute import recomputed
from workers.engine.tensors import Pass, Rollouts

# Logits of a chunk: 2^25 numbers are 128 MiB in float32. One chunk keeps its logits for the backward pass; with
# several, each is computed again there, so that memory does not grow with the number of tokens.
CHUNK_NUMBERS = 2**25


class _Chosen(torch.autograd.Function):
    """Log-probability of the chosen token and entropy of each row of logits, keeping one tensor for the way back."""

    @staticmethod
    def forward(ctx: Any, logits_MV: Tensor, token_M: Tensor) -> tuple[Tensor, Tensor]:
        logp_MV = logits_MV.log_softmax(dim=-1)
        entropy_M = entropy_of(logp_MV)
        ctx.save_for_backward(logp_MV, token_M, entropy_M)
        ctx.set_materialize_grads(False)
        return logp_MV.gather(1, token_M[:, None]).squeeze(1), entropy_M

    @staticmethod
    def backward(ctx: Any, *grads: Tensor | None) -> tuple[Tensor | None, None]:
        (grad_logp_M, grad_entropy_M), (logp_MV, token_M, entropy_M) = grads, ctx.saved_tensors
        if grad_logp_M is None and grad_entropy_M is None:
            return None, None
        p_MV = logp_MV.exp()
        total_MV = torch.zeros_like(p_MV)
        if grad_logp_M is not None:
            total_MV = p_MV * -grad_logp_M[:, None]
            total_MV.scatter_add_(1, token_M[:, None], grad_logp_M[:, None])
        if grad_entropy_M is not None:
            # Impossible tokens have log-probability −inf; their share of the gradient is 0, not NaN.
            surprise_MV = logp_MV.masked_fill(p_MV == 0, 0.0) + entropy_M[:, None]
            total_MV = total_MV - grad_entropy_M[:, None] * p_MV * surprise_MV
        return total_MV, None


_apply: Callable[[Tensor, Tensor], tuple[Tensor, Tensor]] = _Chosen.apply


def entropy_of(logp_MV: Tensor) -> Tensor:
    """Entropy of each row of log-probabilities, nats; impossible tokens (−inf) count nothing."""
    return -(logp_MV.exp() * logp_MV.clamp(min=torch.finfo(logp_MV.dtype).min)).sum(dim=-1)


@dataclass(frozen=True)
class Policy:
    """A network as a policy at a temperature. `head` maps hidden states to logits; None when the network does more
    than one matrix product there (soft caps, scaling), and then the network itself is asked. `packs`: it reads packed
    lines, in which a prompt stands once for its group and padding not at all."""

    model: PreTrainedModel
    temperature: float = 1.0
    precision: str = "float32"
    head: torch.nn.Module | None = None
    packs: bool = False

    @property
    def device(self) -> torch.device:
        """Where the network lives."""
        return self.model.device

    def casting(self) -> Any:
        """The context in which the network computes: bfloat16 only where the spec says so."""
        if self.precision == "bfloat16":
            return torch.autocast(self.device.type, dtype=torch.bfloat16)
        return nullcontext()

    def read(self, rollouts: Rollouts) -> Pass:
        """One pass over prompts and completions, (N, T); padding costs no logits. Keeps gradients when they are on."""
        return self._pass(rollouts, at_chosen(self.network, rollouts, packs=self.packs))

    def read_with_states(self, rollouts: Rollouts) -> tuple[Pass, Tensor]:
        """What `read` and `states` give, from one pass over the network."""
        if self.head is not None:
            state_MX = at_chosen(self.network, rollouts, packs=self.packs)
            return self._pass(rollouts, state_MX), state_MX
        return self.read(rollouts), self.states(rollouts)

    def states(self, rollouts: Rollouts) -> Tensor:
        """The last hidden state behind each chosen token, the one that predicted it: (M, X), in the order in which
        `mask_NT` lists them row by row. Keeps gradients when they are on."""
        with self.casting():
            return at_chosen(self._states, rollouts, packs=self.packs)

    def logp_of_states(self, state_MX: Tensor) -> Tensor:
        """Log-probabilities of the whole vocabulary at some hidden states, (M, V), nats, at the policy's temperature.
        As many states at once as memory allows: the caller cuts them. RunError at `update` when the network does more
        with its states than one matrix product."""
        if self.head is None:
            what = "this model's logits are more than one matrix product of its hidden states."
            raise RunError("update", what, "Choose another model, or a method without whole-vocabulary functions.")
        return self.logits(state_MX).log_softmax(dim=-1)

    def network(self, **asked: Any) -> Tensor:
        """What `logits` wants at each place of the inputs, by transformers' names: (rows, places, X)."""
        with self.casting(), recomputed(self.model):
            found: Tensor = self.model(**asked).logits if self.head is None else self._states(**asked)
        return found

    def logits(self, out_RX: Tensor) -> Tensor:
        """Logits at the policy's temperature, (R, V) in float32 at least, from what the network gave."""
        with self.casting():
            logits_RV = out_RX if self.head is None else self.head(out_RX)
        return (logits_RV.float() if logits_RV.dtype.itemsize < 4 else logits_RV) / self.temperature

    def _states(self, logits_to_keep: int = 0, **asked: Any) -> Tensor:
        """Hidden states, all of them: what is meant for logits is not for these."""
        with recomputed(self.model):
            found: Tensor = self.model.base_model(**asked).last_hidden_state
        return found

    def _pass(self, rollouts: Rollouts, state_MX: Tensor) -> Pass:
        mask_NT = rollouts.mask_NT
        numbers_M = self._chosen(state_MX, rollouts.token_NT[mask_NT])
        logp_NT, entropy_NT = (x_M.new_zeros(mask_NT.shape).masked_scatter(mask_NT, x_M) for x_M in numbers_M)
        return Pass(logp_NT, mask_NT, entropy_NT)

    def _chosen(self, state_MX: Tensor, token_M: Tensor) -> tuple[Tensor, Tensor]:
        """Log-probability and entropy at each chosen token, chunk by chunk."""
        vocabulary = int(self.model.config.vocab_size)
        chunk = max(1, CHUNK_NUMBERS // vocabulary)
        if len(token_M) <= chunk:
            return self._chunk(state_MX, token_M)
        pairs = zip(torch.split(state_MX, chunk), torch.split(token_M, chunk), strict=True)
        parts = [checkpoint(self._chunk, state, token, use_reentrant=False) for state, token in pairs]
        return torch.cat([logp for logp, _ in parts]), torch.cat([entropy for _, entropy in parts])

    def _chunk(self, state_MX: Tensor, token_M: Tensor) -> tuple[Tensor, Tensor]:
        return _apply(self.logits(state_MX), token_M)


def make_policy(model: PreTrainedModel, temperature: float = 1.0, precision: str = "float32") -> Policy:
    """A policy that computes logits only where they are needed, once a probe has shown that this is exact."""
    linear.quicken(model)
    head: torch.nn.Module | None = getattr(model, "lm_head", None)
    if head is not None and not _is_plain(model, head):
        head = None
    return Policy(model, temperature, precision, head, fits.packs(model))


@torch.no_grad()
def _is_plain(model: PreTrainedModel, head: torch.nn.Module) -> bool:
    """Whether logits are the output matrix times the last hidden state and nothing else, tried on a few tokens."""
    # Several different ones: the embedding of a padding token is all zeros, and so would be its logits, however scaled.
    ids = torch.arange(8, device=model.device)[None] % int(model.config.vocab_size)
    whole = model(input_ids=ids, use_cache=False).logits
    parts = head(model.base_model(input_ids=ids, use_cache=False).last_hidden_state)
    return bool(torch.allclose(whole, parts, atol=1e-6))
