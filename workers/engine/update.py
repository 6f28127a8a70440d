"""One update of the policy from one batch: passes over micro-batches, clipping, and a guard against non-numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import torch
from torch import Tensor

from workers.contract.spec import Optimiser
from workers.engine.batch import Batch, micro_batches
from workers.engine.boundary import is_out_of_memory
from workers.engine.masks import masked, masked_mean
from workers.engine.optimiser import rate_at
from workers.engine.outcome import Outcome, merged
from workers.engine.pairing import preference_loss
from workers.engine.policy import Policy
from workers.engine.ranks import ALONE, Ranks
from workers.engine.recipe import Part, Recipe
from workers.engine.shards import add_gradients, is_sharded, read_through, resting, whole
from workers.engine.tensors import GroupLoss, Loss, Pass
from workers.engine.vocabulary import Before, over_vocabulary, remember


class NonFinite(ArithmeticError):
    """A tensor that is no number any more: its name, and the share of such entries."""

    def __init__(self, tensor: str, share: float) -> None:
        super().__init__(f"{share:.1%} of {tensor} is no finite number")
        self.tensor, self.share = tensor, share


def update(
    policy: Policy,
    optimiser: torch.optim.Optimizer,
    recipe: Recipe,
    batch: Batch,
    settings: Optimiser,
    ranks: Ranks = ALONE,
    beside: "Beside | None" = None,
    *,
    may_halve: bool = True,
) -> Outcome:
    """Change the policy by one batch, `settings.passes` times, and with each pass what learns `beside` it. NonFinite
    when a loss or gradient of either is no number; what passes before it did stays done, the pass itself changes
    nothing. When memory runs out in the policy's pass it is made again with micro-batches of half the groups, once:
    OutOfMemory after that, or when `may_halve` is false."""
    outcome = Outcome(learning_rate=rate_at(settings, batch.progress))
    for group in optimiser.param_groups:
        group["lr"] = outcome.learning_rate
    row_R, whole_NT = ranks.rows(batch.rollouts.group_N), batch.rollouts.mask_NT
    mine = batch if ranks.count == 1 else batch.rows(row_R)
    before = remember(policy, mine, settings.micro_groups) if recipe.asks("over_vocabulary") else None
    one_pass = _Pass(policy, recipe, mine, before, ranks, batch)
    groups, number = settings.micro_groups, 0
    with resting(policy.model):
        while number < settings.passes:
            optimiser.zero_grad(set_to_none=True)
            made, problem = one_pass.made(groups, first=number == 0)
            if _must_halve(ranks, problem):
                most = max(ranks.together(_groups_at_once(mine, groups)))
                if not may_halve or outcome.halved or most < 2:
                    raise OutOfMemory(most)
                groups = outcome.halved = most // 2
                continue
            outcome.add(made)
            add_gradients(policy.model, ranks)
            outcome.grad_norm += clip(policy.model, settings.clip_norm) / settings.passes
            if beside is not None:
                beside.make(groups)
                beside.take()
            optimiser.step()
            number += 1
        optimiser.zero_grad(set_to_none=True)
    outcome.loss /= settings.passes
    return merged(ranks, outcome, row_R, whole_NT)


class Beside(Protocol):
    """What learns from the same batch in the same passes, with weights of its own."""

    def make(self, groups: int) -> None:
        """The gradient of one pass in micro-batches of `groups` groups. NonFinite, having changed nothing."""

    def take(self) -> None:
        """Move by the gradient that was made."""


class OutOfMemory(MemoryError):
    """Micro-batches of `groups` groups do not fit the device's memory."""

    def __init__(self, groups: int) -> None:
        super().__init__(f"micro-batches of {groups} groups do not fit")
        self.groups = groups


def _groups_at_once(batch: Batch, groups: int) -> int:
    """How many groups the largest micro-batch has."""
    there = len(torch.unique(batch.rollouts.group_N))
    return min(groups or there, there)


@dataclass(frozen=True)
class _Pass:
    """One pass over this process's rows of `whole`, which may be made again when memory runs out."""

    policy: Policy
    recipe: Recipe
    batch: Batch
    before: Before | None
    ranks: Ranks
    whole: Batch

    def made(self, groups: int, *, first: bool) -> tuple[Outcome, NonFinite | MemoryError | None]:
        """The gradient of the pass, added to the weights', and what stood in its way."""
        made, problem = Outcome(), None
        cuts = list(micro_batches(self.batch.rollouts.group_N, groups))
        sharded = is_sharded(self.policy.model)
        for number in range(max(self.ranks.together(len(cuts))) if sharded else len(cuts)):
            if problem is None and number < len(cuts):
                problem = self._add(cuts[number], made, first=first)
            elif sharded:
                self._accompany()
        return made, problem

    def _add(self, row_R: Tensor, made: Outcome, *, first: bool) -> NonFinite | MemoryError | None:
        try:
            _add_gradient(self.policy, self.recipe, self.batch, row_R, self.before, made, first=first)
        except NonFinite as error:
            return error
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error) or is_sharded(self.policy.model):
                raise
            # Not the error itself: its frames hold the very tensors that did not fit.
            return MemoryError(str(error))
        return None

    def _accompany(self) -> None:
        """A reading that adds nothing: where weights are split all processes read equally often."""
        row_R = self.whole.rollouts.mask_NT.any(dim=1).int().argmax()[None]  # one with tokens, where there is one
        now = read_through(self.policy.model, self.policy.read, self.whole.rows(row_R).rollouts)
        torch.autograd.backward(0.0 * now.logp_NT.sum())


def _must_halve(ranks: Ranks, problem: NonFinite | MemoryError | None) -> bool:
    """Whether memory ran out in any process. NonFinite in all of them when any met a non-number."""
    told = (problem.tensor, problem.share) if isinstance(problem, NonFinite) else None
    found = ranks.together((told, isinstance(problem, MemoryError)))
    if any(short for _, short in found):
        torch.cuda.empty_cache()
        return True
    _must_be_numbers([told for told, _ in found])
    return False


def agree(ranks: Ranks, problem: NonFinite | None) -> None:
    """NonFinite in all processes when any of them met a non-number."""
    _must_be_numbers(ranks.together(None if problem is None else (problem.tensor, problem.share)))


def _must_be_numbers(found: list[tuple[str, float] | None]) -> None:
    broken = next((told for told in found if told is not None), None)
    if broken is not None:
        raise NonFinite(*broken)


def _add_gradient(
    policy: Policy, recipe: Recipe, batch: Batch, row_R: Tensor, before: Before | None, outcome: Outcome, *, first: bool
) -> None:
    part = batch.rows(row_R)
    now, supplied = read(policy, part, before, row_R)
    compares = recipe.objective.loaded.method.kind == "preferences"
    if compares:
        now.logp_NT.retain_grad()
    try:
        must_be_finite("the policy's log-probabilities", now.logp_NT)
        loss, statistics = losses(recipe, part, now, supplied)
    except NonFinite:
        if is_sharded(policy.model):  # the other processes wait for this way back
            torch.autograd.backward(0.0 * now.logp_NT.sum())
        raise
    torch.autograd.backward(loss)
    _record(batch, part, row_R, now, part.was, statistics, outcome, first=first)
    if compares and now.logp_NT.grad is not None:
        _lay(batch, outcome, "push", row_R, masked(-batch.groups * now.logp_NT.grad, now.mask_NT))
    outcome.loss += float(loss.detach())


def read(policy: Policy, part: Batch, before: Before | None, row_R: Tensor) -> tuple[Pass, dict[str, object]]:
    """What the policy says now of some rows of a batch, and all that losses may ask for besides."""
    if before is None:
        return read_through(policy.model, policy.read, part.rollouts), part.supplied()
    now, state_MX = read_through(policy.model, policy.read_with_states, part.rollouts)
    whole = over_vocabulary(policy, state_MX, before, row_R, part.rollouts.mask_NT)
    return now, {**part.supplied(), "over_vocabulary": whole}


def losses(recipe: Recipe, part: Batch, now: Pass, supplied: dict[str, object]) -> tuple[Tensor, dict[str, Tensor]]:
    """The weighted sum of all losses of a micro-batch, and each part's statistics by metric name, (N, T)."""
    total = now.logp_NT.new_zeros(())
    statistics: dict[str, Tensor] = {}
    for method in recipe.losses:
        loss, found = reduced(method, part, now, supplied)
        total = total + method.weight * loss
        for name, value_NT in found.items():
            statistics[_curve(method, name, statistics)] = value_NT.detach()
    return total, statistics


def reduced(method: Part, part: Batch, now: Pass, supplied: dict[str, object]) -> tuple[Tensor, Mapping[str, Tensor]]:
    """One part's loss over a micro-batch as a share of the whole batch's, and its statistics."""
    if method.loaded.method.kind == "preferences":
        loss_E = preference_loss(method, part, now)
        must_be_finite(f"the loss of {method.address}", loss_E)
        return loss_E.sum() / max(1, part.groups), {}
    made: Loss | GroupLoss = method(now=now, **supplied)
    if isinstance(made, GroupLoss):
        must_be_finite(f"the loss of {method.address}", made.loss_P)
        return made.loss_P.sum() / max(1, part.groups), made.statistics
    must_be_finite(f"the loss of {method.address}", made.token_NT)
    return (made.token_NT * part.weight_NT).sum(), made.statistics


def _curve(method: Part, name: str, taken: dict[str, Tensor]) -> str:
    """The curve of a statistic: `<kind>/<statistic>`, with the method's name when two of a kind have the same."""
    kind = method.loaded.method.kind
    plain = f"{kind}/{name}"
    return plain if plain not in taken else f"{kind}/{method.loaded.method.name}.{name}"


def _record(
    batch: Batch,
    part: Batch,
    row_R: Tensor,
    now: Pass,
    was: Pass,
    statistics: dict[str, Tensor],
    outcome: Outcome,
    *,
    first: bool,
) -> None:
    mask_NT = part.rollouts.mask_NT
    logp_NT = now.logp_NT.detach()
    streams = {"ratio": (logp_NT - was.logp_NT).exp()}
    if first and bool(mask_NT.any()):
        # Before the first change training and sampling speak of the same weights: what differs is arithmetic.
        streams["mismatch"] = masked(logp_NT - was.logp_NT, mask_NT)
        outcome.mismatch = max(outcome.mismatch, float(streams["mismatch"].abs().max()))
    tokens = int(mask_NT.sum())
    outcome.tokens += tokens
    for name, value_NT in statistics.items():
        outcome.sums[name] = outcome.sums.get(name, 0.0) + float(masked_mean(value_NT, mask_NT)) * tokens
        streams.setdefault(name.rpartition("/")[2], value_NT)
    for name, value_NT in streams.items():
        _lay(batch, outcome, name, row_R, value_NT)


def _lay(batch: Batch, outcome: Outcome, name: str, row_R: Tensor, value_NT: Tensor) -> None:
    """Put some rows' numbers into a stream of the whole batch."""
    blank_NT = torch.zeros(batch.rollouts.mask_NT.shape, device=value_NT.device)
    outcome.streams.setdefault(name, blank_NT)[row_R, : value_NT.shape[1]] = value_NT.float()


def clip(network: torch.nn.Module, largest: float, whose: str = "") -> float:
    """The norm of a gradient that is then made no longer than `largest`. NonFinite, with the name of the first weight
    whose gradient it is, when it is no number: `whose` stands before that name."""
    weights = list(network.parameters())
    total = torch.nn.utils.get_total_norm([weight.grad for weight in weights if weight.grad is not None])
    norm = float(whole(total))
    if isfinite(norm):
        torch.nn.utils.clip_grads_with_norm_(weights, largest, total)
        return norm
    # Not clipped before it is judged: a norm that is no number would spread to every weight.
    for name, weight in network.named_parameters():
        if weight.grad is not None:
            must_be_finite(f"the gradient of {whose}{name}", whole(weight.grad))
    raise NonFinite(f"the norm of {whose or 'the '}gradient", 1.0)


def must_be_finite(name: str, tensor: Tensor) -> None:
    """NonFinite, with the share of such entries, when any entry of `tensor` is NaN or infinite."""
    problem = non_finite(name, tensor)
    if problem is not None:
        raise problem


def non_finite(name: str, tensor: Tensor) -> NonFinite | None:
    """The same as a value, for where others wait for this process before it may raise."""
    good = tensor.detach().isfinite()
    return None if bool(good.all()) else NonFinite(name, float((~good).float().mean()))
