"""What a replay has shown, as JSON values: step by step, over all, and the completions whose advantage changes most."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from workers.engine.comparing import Floats, Pairs, correlation, opposed, pairs, still
from workers.engine.replay import Replayed

SHOWN = 12
LEAST = 1e-3  # a change of an advantage that is told of
LETTERS = 2000


def report(made: Sequence[Replayed], late: Sequence[int]) -> dict[str, Any]:
    """`{steps, whole, moved, faults, plain, notes, late, left}`. `whole` and each of `steps` are {step, count, old, new
    (means), none, failed, groups, old_still, new_still, pairs, swapped, tau, correlation, opposed}; `moved` are
    completions, the largest change first; `plain` says why advantages are plain GRPO's (empty: they are the recipe's),
    `notes` what of the recipe could not be followed; `late` are steps that were not come to."""
    made = sorted(made, key=lambda one: one.step)
    counted = [pairs(one.old_N, one.new_N, one.group_N) for one in made]
    rows = [_row([one], pair) for one, pair in zip(made, counted, strict=True)]
    return {
        "steps": rows,
        "whole": _row(made, sum(counted, Pairs())),
        "moved": _moved(made),
        "faults": [{"step": one.step, "index": one.first, "what": one.why} for one in made if one.why],
        "plain": made[0].sides.plain,
        "notes": list(dict.fromkeys(note for one in made for note in one.sides.notes)),
        "late": list(late),
        "left": sum(one.left for one in made),
    }


def _row(made: Sequence[Replayed], counted: Pairs) -> dict[str, Any]:
    old_N, new_N = (np.concatenate([vars(one)[name] for one in made]) for name in ("old_N", "new_N"))
    first_N, second_N = (np.concatenate([vars(one.sides)[name] for one in made]) for name in ("old_N", "new_N"))
    both = int((~np.isnan(first_N) & ~np.isnan(second_N)).sum())
    return {
        "step": made[0].step, "count": len(new_N), "old": _mean(old_N), "new": _mean(new_N),
        "none": int(np.isnan(new_N).sum()), "failed": sum(one.failed for one in made),
        "groups": sum(len(np.unique(one.group_N)) for one in made),
        "old_still": sum(still(one.old_N, one.group_N) for one in made),
        "new_still": sum(still(one.new_N, one.group_N) for one in made),
        "pairs": counted.both, "swapped": counted.swapped, "tau": counted.tau,
        "correlation": correlation(first_N, second_N),
        "opposed": opposed(first_N, second_N) / both if both else None,
    }  # fmt: skip


def _mean(value_N: Floats) -> float | None:
    known = value_N[~np.isnan(value_N)]
    return float(known.mean()) if known.size else None


def _moved(made: Sequence[Replayed]) -> list[dict[str, Any]]:
    """The completions whose advantages differ most between the two rewards; of equals the newest."""
    found = []
    for one in made:
        first_N, second_N = one.sides.old_N, one.sides.new_N
        change_N = np.nan_to_num(np.abs(second_N - first_N))
        for n in np.argsort(-change_N, kind="stable")[:SHOWN]:
            if change_N[n] >= LEAST:
                found.append((float(change_N[n]), one, int(n), float(first_N[n]), float(second_N[n])))
    found.sort(key=lambda row: (-row[0], -row[1].step, row[2]))
    return [_shown(one, n, first, second) for _, one, n, first, second in found[:SHOWN]]


def _shown(one: Replayed, n: int, first: float, second: float) -> dict[str, Any]:
    return {
        "step": one.step, "index": int(one.index_N[n]), "group": int(one.group_N[n]),
        "prompt": one.answers.prompts[n][-LETTERS:], "completion": one.answers.texts[n][:LETTERS],
        "end": one.answers.ends[n], "old": float(one.old_N[n]), "new": float(one.new_N[n]),
        "old_advantage": first, "new_advantage": second,
    }  # fmt: skip
