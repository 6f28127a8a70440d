"""Fills a run's stock: completions sampled by the present policy or read from a file, scored, paired, and read once by
every model that losses will ask for."""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workers.contract.answers import FINISHED, Problem
from workers.contract.errors import RunError
from workers.contract.spec import Pool
from workers.engine import seeds
from workers.engine.batch import joined, micro_batches, rows_of
from workers.engine.boundary import boundary
from workers.engine.learner import Learner, device
from workers.engine.policy import Policy, make_policy
from workers.engine.prompts import is_held_out, read_rows
from workers.engine.rollout import as_rollouts, roll_out
from workers.engine.scoring import Scored, score
from workers.engine.stock import BAD, GOOD, Stored
from workers.engine.tensors import Rollouts
from workers.models import loading

CHUNK = 32  # groups sampled or read at once
GIVEN = ("score", "reward")


def refill(learner: Learner, pool: Pool, step: int) -> bool:
    """Fill the stock anew when a round begins with this step; whether it did."""
    stock = learner.stock
    assert stock is not None
    number = (step - 1) * pool.rounds // learner.spec.budget.steps
    if number == stock.round:
        return False
    with boundary("sampling", step=step):
        stored = _sampled(learner, pool, number, step) if pool.prompts else _read(learner)
        stock.round, stock.stored = number, _known(learner, stored)
        stock.units = _units(learner, stock.stored)
    if not stock.units:
        what = f"no pair can be made: in each of {len(set(stored.rollouts.group_N.tolist()))} groups all rewards tie."
        mend = "Sample more completions of each prompt, or take rewards that tell them apart."
        raise RunError("data", what, mend, {"step": step})
    return True


def _sampled(learner: Learner, pool: Pool, number: int, step: int) -> Stored:
    """`pool.siblings` completions of each problem by the policy as it is now."""
    problems = learner.source.more(number, "stock", pool.prompts)
    parts = []
    for start in range(0, len(problems), CHUNK):
        some = problems[start : start + CHUNK]
        noise = seeds.generator(learner.spec.seed, f"stock {number}", start)
        parts.append(roll_out(learner, some, (pool.siblings,) * len(some), noise, step - 1))
    rollouts = _in_one(parts)
    scored = learner.ranks.first(lambda: score(learner.objectives, rollouts.answers, step))
    each = tuple(problem for problem in problems for _ in range(pool.siblings))
    return Stored(rollouts, each, scored, torch.full_like(rollouts.group_N, -1))


def _in_one(parts: list[Rollouts]) -> Rollouts:
    """All parts one behind the other, groups numbered on."""
    whole = parts[0]
    for part in parts[1:]:
        behind = part.group_N + int(whole.group_N.max()) + 1
        whole = joined(whole, replace(part, group_N=behind))
    return whole


def _read(learner: Learner) -> Stored:
    """The completions that the prompts' file brings: pairs, labelled ones, or scored ones; training prompts only."""
    path, share = Path(learner.spec.prompts.path), learner.spec.prompts.heldout_share
    found = [row for row in _rows(path) if not is_held_out(row[0].prompt, share)]
    if not found:
        raise RunError("data", f"{path.name} has no completion for a training prompt.", "Give more rows.")
    problems = [problem for problem, *_ in found]
    end = list(learner.loaded.ends[:1])
    cut = learner.loaded.tokenizer([text for _, text, *_ in found], add_special_tokens=False)["input_ids"]
    ids = [[*row, *end][: learner.spec.max_new_tokens] for row in cut]
    numbers: dict[str, int] = {}
    group_N = torch.tensor([numbers.setdefault(group, len(numbers)) for *_, group in found])
    parts = [
        as_rollouts(learner, problems[s : s + CHUNK], ids[s : s + CHUNK], [FINISHED] * len(ids[s : s + CHUNK]), 0)
        for s in range(0, len(ids), CHUNK)
    ]
    rollouts = replace(_in_one(parts), group_N=group_N.to(learner.policy.device))
    totals: list[float | None] = [value for _, _, value, _, _ in found]
    labels = [objective.label for objective in learner.objectives]
    none: list[float | None] = [None] * len(totals)
    values = {label: totals if place == 0 else none for place, label in enumerate(labels)}
    side_N = torch.tensor([side for _, _, _, side, _ in found], device=learner.policy.device)
    return Stored(rollouts, tuple(problems), Scored(values, totals, []), side_N)


Row = tuple[Problem, str, float, int, str]  # problem, completion, reward, side, group


def _rows(path: Path) -> Iterator[Row]:
    for line, row in read_rows(path):
        columns = row.get("columns") if isinstance(row.get("columns"), dict) else {}
        problem = Problem(row["prompt"], str(row.get("answer") or ""), columns or {})
        if "chosen" in row or "rejected" in row:
            for name, side in (("chosen", GOOD), ("rejected", BAD)):
                yield problem, _text(row, name, path.name, line), float(side), side, f"line {line}"
            continue
        text = _text(row, "completion", path.name, line)
        group = json.dumps(row["group"]) if row.get("group") is not None else f"prompt {problem.prompt}"
        if isinstance(row.get("label"), bool):
            yield problem, text, float(row["label"]), GOOD if row["label"] else BAD, group
        else:
            yield problem, text, _score(row, path.name, line), -1, group


def _text(row: dict[str, Any], name: str, file: str, line: int) -> str:
    if not isinstance(row.get(name), str) or not row[name].strip():
        what = f"{file}, line {line}: a row of a stock needs {name!r} as text"
        mend = "Give chosen and rejected, or completion with a label (true, false) or a score."
        raise RunError("data", f"{what}.", mend, {"line": line})
    return str(row[name])


def _score(row: dict[str, Any], file: str, line: int) -> float:
    value = next((row[name] for name in GIVEN if row.get(name) is not None), None)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value or abs(value) == float("inf"):
        what = f"{file}, line {line}: a completion of a stock needs a label (true, false) or a finite score"
        raise RunError("data", f"{what}, not {value!r:.40}.", "", {"line": line})
    return float(value)


def _known(learner: Learner, stored: Stored) -> Stored:
    """The stock with the word of every other model that losses ask for, read once for all steps of the round."""
    asks = learner.recipe.asks
    streams = dict(stored.rollouts.streams)
    if learner.supply.reference is not None:
        streams["ref_logp"] = _said(learner.supply.reference, stored.rollouts)
    if asks("previous_pairs"):
        streams["previous_logp"] = _said(learner.policy, stored.rollouts)
    if asks("guide_pairs"):
        guides = [one for one in learner.spec.companions if one.role == "guide"]
        guide = loading.load(guides[0].model, device())
        policy = make_policy(guide.model, learner.policy.temperature, learner.policy.precision)
        streams["guide_logp"] = _said(policy, stored.rollouts)
    # In the order of names, as they come back from a checkpoint.
    return replace(stored, rollouts=replace(stored.rollouts, streams=dict(sorted(streams.items()))))


@torch.no_grad()
def _said(policy: Policy, rollouts: Rollouts) -> Tensor:
    """A model's log-probabilities of a stock, (N, T), some groups at a time."""
    whole_NT = torch.zeros_like(rollouts.logp_NT)
    for row_R in micro_batches(rollouts.group_N, CHUNK):
        part_RT = policy.read(rows_of(rollouts, row_R)).logp_NT
        whole_NT[row_R, : part_RT.shape[1]] = part_RT.float()
    return whole_NT


def _units(learner: Learner, stored: Stored) -> list[list[int]]:
    """Which rows are taken together: the best and the worst of each group as a pair, single labelled completions, or
    whole groups."""
    groups: dict[int, list[int]] = {}
    for row, group in enumerate(stored.rollouts.group_N.tolist()):
        if stored.scored.total[row] is not None:
            groups.setdefault(group, []).append(row)
    objective = learner.recipe.objective
    if objective.asks("labelled"):
        return [[row] for rows in groups.values() for row in rows]
    if not objective.asks("pairs"):
        return list(groups.values())
    pairs = []
    for rows in groups.values():
        ranked = sorted(rows, key=lambda row: -(stored.scored.total[row] or 0.0))
        if stored.scored.total[ranked[0]] != stored.scored.total[ranked[-1]]:
            pairs.append([ranked[0], ranked[-1]])
    return pairs
