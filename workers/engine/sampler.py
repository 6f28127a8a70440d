"""Samples completions: the prompt is read once for its whole group, keys and values live in memory taken once,
finished rows are dropped at halves, and each row's noise is its own, so that dropping rows changes no token."""

from dataclasses import dataclass

import torch
from torch import Tensor

from workers.contract.errors import RunError
from workers.engine import attention, linear
from workers.engine.graph import GraphWalk
from workers.engine.policy import Policy, entropy_of
from workers.engine.walk import PlainWalk, StemWalk, Walk

# Finished rows are dropped once no more than this share of the rows is left: copies stay rare, and shapes few.
LEFT = 0.75


@dataclass(frozen=True)
class Plan:
    """How to sample: completions a prompt (one number, or one for each prompt, 0 allowed), most new tokens, the tokens
    that end a completion, the padding token; `drop` says whether finished rows leave the batch."""

    siblings: int | tuple[int, ...]
    new_tokens: int
    ends: tuple[int, ...]
    pad: int
    drop: bool = True

    def counts(self, prompts: int) -> list[int]:
        """Completions of each prompt. ValueError when there is not one count for each, or a count is below zero."""
        counts = [self.siblings] * prompts if isinstance(self.siblings, int) else list(self.siblings)
        if len(counts) != prompts or min(counts, default=0) < 0:
            raise ValueError(f"{counts} completions of {prompts} prompts: one count a prompt, none below 0")
        return counts


@dataclass(frozen=True)
class Sampled:
    """N completions, siblings beside one another (N = P × G when groups are equal). `token_NT` is padded behind each
    completion, `mask_NT` true on its tokens (the end token included), `logp_NT` and `entropy_NT` as they were while
    sampling, nats; `finished_N` is false where the length limit cut the completion off."""

    prompt_NL: Tensor
    prompt_mask_NL: Tensor
    token_NT: Tensor
    mask_NT: Tensor
    logp_NT: Tensor
    entropy_NT: Tensor
    finished_N: Tensor


def pad_left(rows: list[list[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Token ids (P, L) padded on the left, and the mask that is true on the prompts."""
    longest = max(len(row) for row in rows)
    ids = torch.tensor([[pad] * (longest - len(row)) + row for row in rows], device=device)
    present = torch.tensor([[False] * (longest - len(row)) + [True] * len(row) for row in rows], device=device)
    return ids, present


@torch.no_grad()
def sample(
    policy: Policy,
    prompts: list[list[int]],
    plan: Plan,
    generator: torch.Generator,
    uniform_NT: Tensor | None = None,
) -> Sampled:
    """Sample `plan.siblings` completions of each prompt (token ids, none empty); a prompt may hold a stored prefix of a
    completion, which is then gone on from. Noise in [0, 1) comes from `generator` unless `uniform_NT` is given: a row
    that goes on with the noise that it had goes on with the tokens that it had. RunError at `sampling` when the policy
    gives no numbers any more."""
    counts = plan.counts(len(prompts))
    asked = [row for row, count in zip(prompts, counts, strict=True) if count]
    if not asked:
        return _nothing(policy.device)
    count_P = torch.tensor([count for count in counts if count], device=policy.device)
    row_N = torch.arange(len(asked), device=policy.device).repeat_interleave(count_P)
    if uniform_NT is None:
        uniform_NT = noise(len(row_N), plan.new_tokens, generator)
    uniform_NT = uniform_NT.to(policy.device)
    # Entered once for all steps: weights are cast or laid out once, not at every token.
    with policy.casting(), linear.laid_out(policy.model, len(row_N)):
        walk = _walk(policy, asked, row_N, plan)
        draft = _grow(policy, walk, uniform_NT, plan)
    prompt_PL, present_PL = pad_left(asked, plan.pad, policy.device)
    return draft.done(prompt_PL[row_N], present_PL[row_N])


def _walk(policy: Policy, prompts: list[list[int]], row_N: Tensor, plan: Plan) -> Walk:
    """The fastest walk that gives the policy's own numbers."""
    if policy.packs and policy.device.type == "cuda":
        return GraphWalk(policy.network, prompts, row_N, plan.new_tokens)
    if policy.packs:
        return StemWalk(policy.network, prompts, row_N, plan.new_tokens)
    padded = pad_left(prompts, plan.pad, policy.device)
    return PlainWalk(policy.network, *padded, row_N, plan.new_tokens, ready=attention.whole(policy.model))


def _grow(policy: Policy, walk: Walk, uniform_NT: Tensor, plan: Plan) -> "_Draft":
    """Token by token, until every row has ended or the limit is reached."""
    draft = _Draft(len(uniform_NT), plan, policy.device)
    for place in range(plan.new_tokens):
        draft.write(place, walk.row_R, policy.logits(walk.out_RX), uniform_NT[walk.row_R, place])
        open_R = ~draft.finished_N[walk.row_R]
        left = int(open_R.sum())
        if left == 0 or place + 1 == plan.new_tokens:
            break
        if plan.drop and left <= LEFT * len(open_R):
            walk.keep(open_R)
        walk.advance(draft.token_NT[walk.row_R, place])
    return draft


def noise(rows: int, new_tokens: int, generator: torch.Generator) -> Tensor:
    """A uniform number in [0, 1) for each place of each row, (N, T) in float64, drawn before anything is known: no
    row's end can change another's."""
    return torch.rand(rows, new_tokens, generator=generator, dtype=torch.float64)


def _nothing(device: torch.device) -> Sampled:
    """No completions at all."""
    ids, yes, number = (torch.zeros(0, 0, dtype=kind, device=device) for kind in (torch.long, torch.bool, torch.float))
    return Sampled(ids, yes, ids, yes, number, number, yes.reshape(0))


class _Draft:
    """The completions as far as they are written."""

    def __init__(self, rows: int, plan: Plan, device: torch.device) -> None:
        shape = (rows, plan.new_tokens)
        self.token_NT = torch.full(shape, plan.pad, device=device)
        self.mask_NT = torch.zeros(shape, dtype=torch.bool, device=device)
        self.logp_NT, self.entropy_NT = torch.zeros(shape, device=device), torch.zeros(shape, device=device)
        self.finished_N = torch.zeros(rows, dtype=torch.bool, device=device)
        self.end_E = torch.tensor(plan.ends, dtype=torch.long, device=device)

    def write(self, place: int, row_R: Tensor, logits_RV: Tensor, uniform_R: Tensor) -> None:
        """Choose and record one token for each unfinished row."""
        logp_RV = logits_RV.log_softmax(dim=-1)
        token_R = choose(logp_RV, uniform_R)
        open_R = ~self.finished_N[row_R]
        row_O, token_O, logp_OV = row_R[open_R], token_R[open_R], logp_RV[open_R]
        self.token_NT[row_O, place] = token_O
        self.mask_NT[row_O, place] = True
        self.logp_NT[row_O, place] = logp_OV.gather(1, token_O[:, None]).squeeze(1)
        self.entropy_NT[row_O, place] = entropy_of(logp_OV)
        self.finished_N[row_O] = torch.isin(token_O, self.end_E)

    def done(self, prompt_NL: Tensor, present_NL: Tensor) -> Sampled:
        """The finished record, no longer than its longest completion."""
        length = int(self.mask_NT.sum(dim=1).max())
        token_NT, mask_NT = self.token_NT[:, :length], self.mask_NT[:, :length]
        logp_NT, entropy_NT = self.logp_NT[:, :length], self.entropy_NT[:, :length]
        if not bool(logp_NT.isfinite().all()):
            share = float((~logp_NT[mask_NT].isfinite()).float().mean())
            evidence = {"tensor": "logp_NT", "share": share}
            mend = "The policy has diverged: resume from an earlier checkpoint with a lower learning rate."
            raise RunError("sampling", "the policy's log-probabilities are no numbers any more.", mend, evidence)
        return Sampled(prompt_NL, present_NL, token_NT, mask_NT, logp_NT, entropy_NT, self.finished_N)


def choose(logp_RV: Tensor, uniform_R: Tensor) -> Tensor:
    """The token at which the running sum of probabilities passes each row's uniform number: one draw of the policy.

    One number a row and place is all the noise there is; Gumbel noise would take one for each token of the vocabulary.
    Sums are in float64: in float32 the tail of a large vocabulary would be rounded away.
    """
    sum_RV = logp_RV.exp().cumsum(dim=-1, dtype=torch.float64)
    mark_R1 = (uniform_R * sum_RV[:, -1])[:, None]
    return torch.searchsorted(sum_RV, mark_R1, right=True).squeeze(1).clamp(max=logp_RV.shape[1] - 1)
