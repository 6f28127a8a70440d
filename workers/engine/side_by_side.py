"""One or two recipes on a stored batch as a page shows them: where they differ most, token by token, and sums."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from workers.contract.errors import RunError
from workers.contract.spec import RunSpec
from workers.engine.microscope import Seen, look
from workers.engine.stored_credit import Stored
from workers.engine.update import NonFinite

NEAR = 1e-6  # a weight below it moves nothing: what is left of it is arithmetic


def side_by_side(
    stored: Stored, specs: Sequence[RunSpec], step: int, most: int, *, even: bool = False
) -> dict[str, Any]:
    """`{count, tokens, rows, recipes, difference}`: at most `most` completions, those first where the recipes differ
    most (where one alone weighs most). `even` scales each recipe's weights to a mean size of 1 over the step, so that
    only where they push is compared, and not how hard: that a learning rate may make up for.

    A recipe is `{error, notes, sums, weight}`: an `error` where the batch is not enough for it, else `weight` token by
    token of each row and `sums` over the whole batch. `difference` is the first less the second, null without two.
    """
    seen = [_seen(stored, spec, step) for spec in specs]
    seen = [_even(stored, one) if even and isinstance(one, Seen) else one for one in seen]
    weight = [one.weight_NT for one in seen if isinstance(one, Seen)]
    difference_NT = weight[0] - weight[1] if len(weight) == 2 else None
    told_NT = difference_NT if difference_NT is not None else weight[0] if weight else stored.rollouts.logp_NT * 0.0
    rows = torch.argsort(told_NT.abs().sum(dim=1), descending=True, stable=True)[:most].tolist()
    return {
        "count": len(stored.pieces),
        "tokens": int(stored.rollouts.mask_NT.sum()),
        "rows": [_row(stored, n) for n in rows],
        "recipes": [_recipe(stored, one, rows) for one in seen],
        "difference": None if difference_NT is None else _weights(stored, difference_NT, rows),
    }


def _seen(stored: Stored, spec: RunSpec, step: int) -> Seen | str:
    try:
        return look(stored, spec, step)
    except RunError as error:
        return f"{error.what} {error.mend}".strip()
    except NonFinite as error:  # in a run the step would be skipped
        return f"{error} on this batch."


def _even(stored: Stored, seen: Seen) -> Seen:
    mean = float(seen.weight_NT[stored.rollouts.mask_NT].abs().mean())
    return replace(seen, weight_NT=seen.weight_NT / mean) if mean > 0 else seen


def _row(stored: Stored, n: int) -> dict[str, Any]:
    """One completion: `index` is its row in the file."""
    rollouts, pieces = stored.rollouts, stored.pieces[n]
    return {
        "index": n,
        "group": int(rollouts.group_N[n]),
        "prompt": rollouts.answers.prompts[n],
        "end": rollouts.answers.ends[n],
        "rewards": {label: float(value_N[n]) for label, value_N in stored.rewards.items()},
        "pieces": list(pieces),
        "mask": rollouts.mask_NT[n, : len(pieces)].tolist(),
    }


def _recipe(stored: Stored, seen: Seen | str, rows: list[int]) -> dict[str, Any]:
    if isinstance(seen, str):
        return {"error": seen, "notes": [], "sums": None, "weight": None}
    sums = _sums(seen.weight_NT, stored.rollouts.mask_NT)
    return {"error": "", "notes": list(seen.notes), "sums": sums, "weight": _weights(stored, seen.weight_NT, rows)}


def _sums(weight_NT: Tensor, mask_NT: Tensor) -> dict[str, float]:
    """What is pushed up and down in all, and the share of tokens that are not moved."""
    chosen = weight_NT[mask_NT]
    still = float((chosen.abs() < NEAR).float().mean()) if len(chosen) else 1.0
    return {"up": float(chosen.clamp(min=0).sum()), "down": float(chosen.clamp(max=0).sum()), "still": still}


def _weights(stored: Stored, weight_NT: Tensor, rows: list[int]) -> list[list[float]]:
    """Each row's weights with five digits: a page shows no more, and the answer is half as long."""
    return [[float(f"{one:.5g}") for one in weight_NT[n, : len(stored.pieces[n])].tolist()] for n in rows]
