"""A read formula on tensors, with gradients: as the function of a credit method or of an objective."""

from collections.abc import Callable
from dataclasses import dataclass, field
from types import ModuleType

import torch
from torch import Tensor

from workers.contract.answers import CUT_OFF, FINISHED
from workers.contract.formula import Binary, Call, Formula, Name, Negative, Node, Number, Shape, as_method, constant
from workers.contract.formula import streams as streams_of
from workers.engine.formula_arithmetic import FUNCTIONS, SIGNS, power
from workers.engine.formula_ground import Ground
from workers.engine.load import Loaded
from workers.engine.masks import log_ratio, per_row
from workers.engine.tensors import Credit, Loss, Pass, Progress, Rollouts

TARGET = "target"  # the line of a credit formula that says what its critic should have said


def make_formula(formula: Formula, name: str) -> Loaded:
    """A formula as a method, called as those of files are."""
    function = make_credit(formula) if formula.kind == "credit" else make_objective(formula)
    return Loaded(as_method(formula, name), ModuleType("formula"), function)


def make_credit(formula: Formula) -> Callable[..., Credit]:
    """A formula as a credit method; its named lines become curves.

    A critic learns the line `target` where there is one, else the rewards to come. ValueError when a token's advantage
    is no finite number: it says where in the formula that began, and on which share of the tokens.
    """

    @torch.no_grad()
    def credit(
        rollouts: Rollouts,
        reward_NT: Tensor,
        value_NT: Tensor | None = None,
        ref_logp_NT: Tensor | None = None,
        progress: Progress | None = None,
    ) -> Credit:
        mask_NT = rollouts.mask_NT
        ends = rollouts.answers.ends
        named: dict[str, Callable[[], Tensor | None]] = {
            "r": lambda: per_row(reward_NT, mask_NT),
            "r_token": lambda: reward_NT,
            "logp": lambda: rollouts.logp_NT,
            "entropy": lambda: rollouts.streams.get("entropy"),
            "ref_logp": lambda: ref_logp_NT,
            "value": lambda: value_NT,
            "finished": lambda: torch.tensor([end == FINISHED for end in ends]),
            "cut_off": lambda: torch.tensor([end == CUT_OFF for end in ends]),
        }
        ground = _ground(formula, mask_NT, rollouts.group_N, rollouts.logp_NT.dtype, named, progress)
        value_M = Walk(formula, ground).value_M()
        _must_be_finite(formula, ground, value_M)
        target_NT = None if value_NT is None else ground.spread(_target(formula, ground, reward_NT))
        curves = {name: float(number_M.mean()) if len(number_M) else 0.0 for name, number_M in _lines(formula, ground)}
        return Credit(ground.spread(value_M), target_NT, statistics=curves)

    return credit


def make_objective(formula: Formula) -> Callable[..., Loss]:
    """A formula as an objective: the gradient goes into the present policy only, and its named lines become curves."""

    def objective(
        now: Pass,
        was: Pass,
        advantage_NT: Tensor | None = None,
        group_N: Tensor | None = None,
        reward_N: Tensor | None = None,
        ref_logp_NT: Tensor | None = None,
        progress: Progress | None = None,
    ) -> Loss:
        mask_NT, old_NT = now.mask_NT, was.logp_NT.detach()
        named: dict[str, Callable[[], Tensor | None]] = {
            "r": lambda: _still(reward_N),
            "A": lambda: _still(advantage_NT),
            "logp": lambda: now.logp_NT,
            "old_logp": lambda: old_NT,
            "ref_logp": lambda: _still(ref_logp_NT),
            "ratio": lambda: log_ratio(now.logp_NT, old_NT, mask_NT).exp(),
            "entropy": lambda: now.entropy_NT,
        }
        whole_N = torch.zeros_like(mask_NT[:, 0], dtype=torch.long) if group_N is None else group_N
        ground = _ground(formula, mask_NT, whole_N, now.logp_NT.dtype, named, progress)
        loss_NT = ground.spread(Walk(formula, ground).value_M())
        return Loss(loss_NT, {name: ground.spread(number_M) for name, number_M in _lines(formula, ground)})

    return objective


@dataclass
class Walk:
    """A way through a formula's nodes on one batch; one that is `watching` keeps the place of the first node that
    gave something else than finite numbers."""

    formula: Formula
    ground: Ground
    watching: bool = False
    broken: tuple[int, int] | None = field(default=None, init=False)

    def value_M(self) -> Tensor:
        """The formula's value at every chosen token; the lines' values are on the ground from then on."""
        for name, node in self.formula.lines:
            self.ground.values[name] = self.value(node)
        return self.ground.tokens(self.value(self.formula.value), self.formula.value.shape)

    def value(self, node: Node) -> Tensor:
        """One node's value, of the shape that the node says."""
        if isinstance(node, Number):
            return self.ground.number(node.value)
        if isinstance(node, Name):
            return self.ground.values[node.name]
        if isinstance(node, Negative):
            return -self.value(node.inner)
        made = self._binary(node) if isinstance(node, Binary) else self._called(node)
        if self.watching and self.broken is None and not bool(made.isfinite().all()):
            self.broken = node.place
        return made

    def _binary(self, node: Binary) -> Tensor:
        if node.sign == "**":
            exponent = constant(node.right)
            assert exponent is not None, "the reader lets no other power through"
            return power(self.value(node.left), exponent)
        left, right = self._fitting((node.left, node.right), node.shape)
        return SIGNS[node.sign](left, right).to(self.ground.dtype)

    def _called(self, node: Call) -> Tensor:
        first, ground = node.arguments[0], self.ground
        if node.scope:
            return ground.reduced(node.function, self.value(first), first.shape, node.scope)
        if node.function == "next":
            return ground.following(self.value(first))
        if node.function in ("before", "after"):
            discount = constant(node.arguments[1]) if len(node.arguments) > 1 else 1.0
            assert discount is not None, "the reader lets no other discount through"
            return ground.along(self.value(first), after=node.function == "after", discount=discount)
        return FUNCTIONS[node.function](*self._fitting(node.arguments, node.shape))

    def _fitting(self, several: tuple[Node, ...], shape: Shape) -> list[Tensor]:
        return [self.ground.over(self.value(one), one.shape, shape) for one in several]


def _still(value: Tensor | None) -> Tensor | None:
    return None if value is None else value.detach()


def _ground(
    formula: Formula,
    mask_NT: Tensor,
    group_N: Tensor,
    dtype: torch.dtype,
    named: dict[str, Callable[[], Tensor | None]],
    progress: Progress | None,
) -> Ground:
    """What the formula names, on the chosen tokens; ValueError for a stream that the batch does not have."""
    ground = Ground(mask_NT, group_N, dtype, {})
    always: dict[str, Callable[[], Tensor]] = {
        "length": lambda: mask_NT.sum(dim=1).clamp(min=1).to(dtype),
        "position": lambda: ground.place_M.to(dtype),
        "mask": lambda: torch.ones_like(ground.row_M, dtype=dtype),
        "progress": lambda: ground.number(0.0 if progress is None else progress.share),
    }
    for name in streams_of(formula):
        if name in always:
            ground.values[name] = always[name]()
            continue
        value = named[name]()
        if value is None:
            raise ValueError(f"the formula asks for {name}, which this batch does not have")
        value = value.to(mask_NT.device, dtype)
        ground.values[name] = value[mask_NT] if value.dim() == 2 else value
    return ground


def _must_be_finite(formula: Formula, ground: Ground, value_M: Tensor) -> None:
    good_M = value_M.isfinite()
    if bool(good_M.all()):
        return
    walk = Walk(formula, ground, watching=True)
    walk.value_M()
    line, column = walk.broken or (1, 1)
    share = float((~good_M).float().mean())
    what = f"the formula {formula.text!r:.80} gives no finite number on {share:.1%} of the tokens"
    raise ValueError(f"{what}; it begins in line {line}, column {column}")


def _target(formula: Formula, ground: Ground, reward_NT: Tensor) -> Tensor:
    """What the critic should have said at each token, (M,); ValueError when that is no finite number."""
    if TARGET not in dict(formula.lines):
        return ground.along(reward_NT.to(ground.dtype)[ground.mask_NT], after=True)
    target_M = ground.tokens(ground.values[TARGET], dict(formula.lines)[TARGET].shape)
    _must_be_finite(formula, ground, target_M)
    return target_M


def _lines(formula: Formula, ground: Ground) -> list[tuple[str, Tensor]]:
    """The named lines on every token, (M,), without gradient; 0 where one is no finite number, for a curve's sake."""
    shapes = ((name, node.shape) for name, node in formula.lines)
    values = ((name, ground.tokens(ground.values[name].detach(), shape)) for name, shape in shapes)
    return [(name, value_M.nan_to_num(0.0, 0.0, 0.0)) for name, value_M in values]
