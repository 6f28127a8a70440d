"""Recorded completions, scored and credited without training: the same table as a training step's, at step 0."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from workers.contract.analysis import AnalysisSpec
from workers.contract.answers import FINISHED, Answers
from workers.contract.errors import RunError, Stopped
from workers.contract.events import Event, Ledger
from workers.engine import seeds
from workers.engine.agreement import agreement, means
from workers.engine.batch import rows_of
from workers.engine.boundary import boundary
from workers.engine.judges import Objective, close_all, make_objectives
from workers.engine.learner import threads
from workers.engine.placing import on_tokens, with_rest
from workers.engine.recipe import Part, make_part
from workers.engine.record import mean_advantage
from workers.engine.recorded import Cut, Cutter, Recorded, make_cutter, read_recorded
from workers.engine.reporter import Reporter
from workers.engine.rollout import columns_of
from workers.engine.scoring import Scored, score
from workers.engine.store import Table, as_json
from workers.engine.tensors import Credit, Progress, Rollouts

CHUNK = 64  # completions scored between two looks at the clock, or one group
MOST = 1024  # completions of a group that are scored together


def analyse(spec: AnalysisSpec, ledger: Ledger) -> None:
    """Score, credit and store recorded completions, told to the ledger as step 0.

    Besides the means, curves `agreement/<label>` give the share of labelled completions on which a reward says the same
    as the label. Raises RunError, Stopped (nothing is stored then) and Replaced.
    """
    with boundary("worker"):
        torch.set_num_threads(threads())
        reporter = Reporter(ledger)
        reporter.progress("reading", 0, 1)
        objectives = make_objectives(spec.rewards)
        credits = [make_part(pick) for pick in spec.credits]
        recorded = list(read_recorded(Path(spec.path)))
        cuts = _cut_all(recorded, make_cutter(spec.tokenizer), reporter)
        try:
            scored = _score_all(recorded, cuts, objectives, reporter)
        finally:
            close_all(objectives)
        rollouts = _as_rollouts(recorded, cuts)
        reward_NT = _reward(spec, rollouts, scored, cuts)
        streams = _credit_all(spec, credits, rollouts, scored, reward_NT, reporter)
        table = _table(recorded, cuts, scored, streams, rollouts)
        file = ledger.save(table.name, table.content())
        values = means(scored) | agreement(scored.values, [row.label for row in recorded])
        events = [Event(0, "metrics", {"values": values}), Event(0, "rollouts", table.event(file))]
        ledger.write([*events, *scored.troubles])


def _cut_all(recorded: list[Recorded], cut: Cutter, reporter: Reporter) -> list[Cut]:
    cuts = []
    for done, row in enumerate(recorded):
        if done % CHUNK == 0:
            _report(reporter, "tokenising", done, len(recorded))
        cuts.append(cut(row.text))
    return cuts


def _score_all(
    recorded: list[Recorded], cuts: list[Cut], objectives: tuple[Objective, ...], reporter: Reporter
) -> Scored:
    """All rewards, chunk by chunk; failures on single completions are gathered in one trouble a reward and chunk."""
    whole = Scored({objective.label: [] for objective in objectives}, [], [])
    # Which columns there are is a fact of the whole file: a reward must not miss one that a chunk happens to lack.
    columns = columns_of([row.problem for row in recorded])
    everything, order = _answers(recorded, cuts, columns), list[int]()
    for rows in _chunks(recorded):
        _report(reporter, "scoring", len(order), len(recorded))
        whole = whole.joined(_scored(objectives, everything, rows))
        order += rows
    _report(reporter, "scoring", len(recorded), len(recorded))
    _refuse_useless(whole)
    places = sorted(range(len(order)), key=order.__getitem__)
    return replace(whole.rows(places), troubles=whole.troubles)


def _scored(objectives: tuple[Objective, ...], answers: Answers, rows: list[int]) -> Scored:
    """Some rows' rewards; what went wrong with one is told with its place in the file."""
    try:
        scored = score(objectives, answers.rows(rows), 0, part=True)
    except RunError as error:
        raise RunError(error.where, error.what, error.mend, _placed(error.evidence, rows)) from error
    for event in scored.troubles:
        event.data["evidence"] = _placed(event.data["evidence"], rows)
    return scored


def _placed(evidence: Mapping[str, Any], rows: list[int]) -> dict[str, Any]:
    return {**evidence, **({"index": rows[evidence["index"]]} if "index" in evidence else {})}


def _chunks(recorded: list[Recorded]) -> list[list[int]]:
    """Rows that are scored together: whole groups, for rewards may look at siblings; the largest alone are cut."""
    groups: dict[int, list[int]] = {}
    for n, row in enumerate(recorded):
        groups.setdefault(row.group, []).append(n)
    chunks: list[list[int]] = []
    for rows in groups.values():
        for start in range(0, len(rows), MOST):
            part = rows[start : start + MOST]
            if not chunks or len(chunks[-1]) + len(part) > CHUNK:
                chunks.append([])
            chunks[-1] += part
    return chunks


def _refuse_useless(scored: Scored) -> None:
    """A reward that failed everywhere is a mistake, not a result, whatever failures count as."""
    failed: Counter[str] = Counter()
    for event in scored.troubles:
        evidence = event.data["evidence"]
        label = evidence["label"]
        failed[label] += evidence["count"]
        if failed[label] == len(scored.total) or all(value is None for value in scored.values[label]):
            what = f"the reward {label!r} gave no value for any completion; {event.data['what']}"
            raise RunError("reward", what, event.data["mend"], evidence)


def _answers(recorded: list[Recorded], cuts: list[Cut], columns: dict[str, tuple[object, ...]]) -> Answers:
    return Answers(
        tuple(row.text for row in recorded),
        tuple(row.problem.prompt for row in recorded),
        tuple(len(cut.ids) for cut in cuts),
        (FINISHED,) * len(recorded),
        columns,
        groups=tuple(row.group for row in recorded),
        tokens=tuple(tuple(cut.ids) for cut in cuts),
    )


def _as_rollouts(recorded: list[Recorded], cuts: list[Cut]) -> Rollouts:
    """The completions as one batch without prompts' tokens: credit looks at completions, groups and rewards alone."""
    longest = max(1, *(len(cut.ids) for cut in cuts))
    token_NT = torch.zeros(len(cuts), longest, dtype=torch.long)
    mask_NT = torch.zeros(len(cuts), longest, dtype=torch.bool)
    for n, cut in enumerate(cuts):
        token_NT[n, : len(cut.ids)] = torch.tensor(cut.ids, dtype=torch.long)
        mask_NT[n, : len(cut.ids)] = True
    none_NL = torch.zeros(len(cuts), 0, dtype=torch.long)
    columns = columns_of([row.problem for row in recorded])
    return Rollouts(
        none_NL,
        none_NL.bool(),
        token_NT,
        mask_NT,
        torch.zeros(token_NT.shape),
        torch.tensor([row.group for row in recorded]),
        _answers(recorded, cuts, columns),
    )


def _reward(spec: AnalysisSpec, rollouts: Rollouts, scored: Scored, cuts: list[Cut]) -> Tensor:
    """The weighted sum on the tokens where it arises, (N, T)."""
    pieces = {n: cut.pieces for n, cut in enumerate(cuts)}
    value_NT = torch.zeros(rollouts.mask_NT.shape)
    for reward in spec.rewards:
        value_NT += reward.weight * on_tokens(scored.spans.get(reward.label, {}), rollouts, pieces)
    total_N = torch.tensor([0.0 if total is None else total for total in scored.total])
    return with_rest(total_N, value_NT, rollouts.mask_NT)


def _credit_all(
    spec: AnalysisSpec,
    credits: list[Part],
    rollouts: Rollouts,
    scored: Scored,
    reward_NT: Tensor,
    reporter: Reporter,
) -> dict[str, Tensor]:
    """The reward stream and each recipe's advantage: the first as `advantage`, further ones with their names."""
    valid = [n for n, total in enumerate(scored.total) if total is not None]
    if not valid:
        raise RunError("reward", "no reward applies to any completion.", "Choose a reward that does.")
    kept = torch.tensor(valid)
    part = rows_of(rollouts, kept)
    reward_NT = reward_NT[kept, : part.mask_NT.shape[1]]
    reward_NK = torch.tensor(
        [[float("nan") if column[n] is None else column[n] for column in scored.values.values()] for n in valid]
    )
    streams = {"reward": reward_NT}
    for done, credit in enumerate(credits):
        _report(reporter, "credit", done, len(credits))
        noise = seeds.generator(spec.seed, credit.address)
        made: Credit = credit(
            rollouts=part,
            reward_NT=reward_NT,
            reward_NK=reward_NK,
            memory={},
            generator=noise,
            progress=Progress(1, 1),
        )
        name = "advantage" if done == 0 else f"advantage.{credit.loaded.method.name}"
        streams[name] = made.advantage_NT
    streams.setdefault("advantage", torch.zeros_like(reward_NT))
    return {name: _widened(value_NT, kept, rollouts) for name, value_NT in streams.items()}


def _widened(value_RT: Tensor, kept: Tensor, rollouts: Rollouts) -> Tensor:
    whole_NT = torch.zeros(rollouts.mask_NT.shape)
    whole_NT[kept, : value_RT.shape[1]] = value_RT
    return whole_NT


def _table(
    recorded: list[Recorded], cuts: list[Cut], scored: Scored, streams: dict[str, Tensor], rollouts: Rollouts
) -> Table:
    columns: dict[str, list[Any]] = {
        "group": [row.group for row in recorded],
        "prompt": [row.problem.prompt for row in recorded],
        "completion": [row.text for row in recorded],
        "prompt_ids": [[] for _ in recorded],
        "token_ids": [cut.ids for cut in cuts],
        "pieces": [cut.pieces for cut in cuts],
        "mask": [[True] * len(cut.ids) for cut in cuts],
        "end": [FINISHED] * len(recorded),
        "length": [len(cut.ids) for cut in cuts],
        "answer": [row.problem.answer for row in recorded],
        "columns": [as_json(row.problem.columns) for row in recorded],
        "label": [row.label for row in recorded],
        "source": [row.source for row in recorded],
        "reward_total": scored.total,
        "advantage": mean_advantage(streams["advantage"], rollouts.mask_NT),
    }
    shown = {name: value_NT.numpy() for name, value_NT in streams.items()}
    return Table(0, columns, scored.values, shown, scored.texts())


def _report(reporter: Reporter, phase: str, done: int, total: int) -> None:
    """Say how far it is; an analysis has nothing to finish, so it gives way at once when asked to stop."""
    reporter.progress(phase, done, total)
    if reporter.stopped:
        raise Stopped
