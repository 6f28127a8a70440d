"""The advantages of a replay: the run's own reward and another one, each credited by the run's own recipe.

Where that cannot be, both are credited as plain GRPO would, and it is said why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import pyarrow as pa
import torch

from workers.contract.errors import RunError
from workers.contract.spec import RunSpec
from workers.contract.values import Span
from workers.engine.comparing import Floats, Numbers, advantages, column
from workers.engine.placing import on_tokens
from workers.engine.scoring import Column
from workers.engine.stored_credit import Stored, credited_again, stored_of

UNKNOWN = "the completions come from no training run."


@dataclass(frozen=True)
class Exchanged:
    """Another reward's values on a step, and where in a completion they arise, in the place of the run's reward
    `instead` (empty: of all); `out` are completions that then have no total, because a reward failed on them."""

    label: str
    values: Column
    out: frozenset[int]
    spans: Mapping[int, Sequence[Span]] = field(default_factory=dict)
    instead: str = ""


@dataclass(frozen=True)
class Sides:
    """A number for each completion under either reward: the mean advantage of its tokens, 0 where the recipe leaves it
    out, NaN where no reward applies. `notes` say what could not be followed; `plain` why it is plain GRPO's advantage,
    and is empty where it is the recipe's."""

    old_N: Floats
    new_N: Floats
    notes: tuple[str, ...] = ()
    plain: str = ""


def by_recipe(table: pa.Table, spec: RunSpec, step: int, other: Exchanged) -> Sides:
    """Both rewards of a stored step under the recipe of `spec`; RunError where the file does not hold what it asks."""
    if spec.credit is None:
        raise RunError("spec", "the run's recipe gives no credit to single completions.")
    stored = stored_of(table)
    changed = _exchanged(stored, other)
    # In the place of the whole sum the reward has the weight 1, whatever label of the run it may share.
    second = spec if other.instead else replace(spec, rewards=())
    (old_N, notes), (new_N, more) = _means(stored, spec, step), _means(changed, second, step)
    return Sides(old_N, new_N, tuple(dict.fromkeys([*notes, *more])))


def by_grpo(old_N: Floats, new_N: Floats, group_N: Numbers) -> Sides:
    """Both as plain GRPO credits their totals."""
    return Sides(advantages(old_N, group_N), advantages(new_N, group_N), plain=UNKNOWN)


def _exchanged(stored: Stored, other: Exchanged) -> Stored:
    label = other.instead or other.label
    value_N = torch.from_numpy(column(other.values)).float()
    place = {label: on_tokens(other.spans, stored.rollouts, dict(enumerate(stored.pieces)))} if other.spans else {}
    if not other.instead:
        return replace(stored, rewards={label: value_N}, dense=place, out=other.out)
    rest = {name: value_NT for name, value_NT in stored.dense.items() if name != label}
    return replace(stored, rewards={**stored.rewards, label: value_N}, dense=rest | place, out=other.out)


def _means(stored: Stored, spec: RunSpec, step: int) -> tuple[Floats, list[str]]:
    again = credited_again(stored, spec, step)
    batch, row_R = again.found.batch, again.found.row_R
    count_R = batch.rollouts.mask_NT.sum(dim=1).clamp(min=1)
    mean_N = torch.zeros(len(stored.pieces), dtype=torch.float64)
    mean_N[row_R] = (batch.advantage_NT * batch.rollouts.mask_NT).double().sum(dim=1) / count_R
    mean_N[~again.rewards.valid_N] = torch.nan
    return mean_N.numpy(), again.notes
