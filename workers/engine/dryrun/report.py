"""The dry run: everything that is told of a reward on samples, as one JSON value."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from workers.contract.answers import Answers
from workers.contract.rewardnode import Node
from workers.contract.values import Values
from workers.engine.dryrun.components import CLOSE, components, described
from workers.engine.dryrun.drawing import pieces_of
from workers.engine.dryrun.evidence import probe
from workers.engine.dryrun.histograms import histograms
from workers.engine.dryrun.honest import honest_of
from workers.engine.dryrun.judging import Judged, judge
from workers.engine.dryrun.labels import agreement
from workers.engine.dryrun.lengths import Ruler, ruler
from workers.engine.dryrun.ranking import changes, extremes
from workers.engine.dryrun.samples import answers_of, labels_of
from workers.engine.dryrun.scores import scores
from workers.engine.dryrun.table import Floats, floats, table_of

DRAWN = 6  # samples whose dense rewards are drawn


@dataclass(frozen=True)
class Asked:
    """What a dry run may be told beside the reward: another version to compare with, the threshold from which a value
    means right, the share of a run that is done (0 to 1), whether to probe, and who asks; and how to measure lengths:
    `tokenizer` (a model, `words`, or none), or what a run stored of the samples, `lengths` in tokens by its `own`
    tokenizer."""

    before: Node | None = None
    threshold: float = 0.5
    share: float = 0.0
    probes: bool = True
    owner: str = ""
    tokenizer: str = ""
    own: str = ""
    lengths: Sequence[int] | None = None


def dry_run(node: Node, samples: Sequence[Mapping[str, Any]], asked: Asked | None = None) -> dict[str, Any]:
    """What the reward `node` does on samples {prompt, completion, label?, columns...}, of which `answer` is the right
    answer: `{error, values, parts, faults, output, notes, seconds, warm, summary, histograms, components, agreement,
    length, tokens, counts, extremes, changes, dense, probes, took}`. Where `error` says why it cannot be used, the
    first eight alone. RunError where the tokenizer cannot be loaded.
    """
    began = time.monotonic()
    asked = asked or Asked()
    measure = ruler(asked.tokenizer, asked.own, asked.lengths)
    answers = measure.samples(answers_of(samples))
    judged = judge(node, answers, asked.share, asked.owner)
    told = scores(judged)
    if judged.error:
        return told
    table, label_N = table_of(judged.values, node), floats(labels_of(samples))
    found = extremes(table.total_N)
    told |= {
        "summary": {**described(table.total_N), "failed": len(judged.values.faults)},
        "histograms": histograms(table, label_N),
        "components": components(table),
        "agreement": agreement(table.total_N, label_N, answers.prompts, asked.threshold),
        **measure.told(table.total_N, answers),
        "extremes": found,
        "changes": _changes(asked, answers, table.total_N),
    }
    told["dense"] = _dense(judged, answers, [*found["highest"], *found["lowest"]], measure)
    told["probes"] = _probes(node, asked, answers, table.total_N, label_N, measure) if asked.probes else None
    return told | {"took": time.monotonic() - began}


def _changes(asked: Asked, answers: Answers, value_N: Floats) -> dict[str, Any] | None:
    if asked.before is None:
        return None
    judged = judge(asked.before, answers, asked.share, asked.owner)
    if judged.error:
        return {"error": judged.error}
    return {"error": "", **changes(value_N, floats(judged.values.total), answers.group_numbers())}


def _dense(judged: Judged, answers: Answers, first: Sequence[int], measure: Ruler) -> list[dict[str, Any]]:
    """{sample, total, rest, pieces, values, parts, placed} of a few samples whose rewards have places, the extreme ones
    first."""
    order = dict.fromkeys([*first, *sorted(judged.values.spans)])
    chosen = [n for n in order if judged.values.dense(n) and answers.texts[n]][:DRAWN]
    values, texts = judged.values, answers.texts
    return [
        {"sample": n, "total": values.total[n], "rest": _rest(values, n),
         **pieces_of(texts[n], values.dense(n), measure.pieces(texts[n]))}
        for n in chosen
    ]  # fmt: skip


def _rest(values: Values, n: int) -> float:
    """What no place of a completion accounts for, and so counts at its end; 0 for what rounding leaves."""
    total = values.total[n] or 0.0
    rest = total - sum(span.value for span in values.dense(n))
    return 0.0 if abs(rest) <= CLOSE * max(1.0, abs(total)) else rest


def _probes(
    node: Node, asked: Asked, answers: Answers, value_N: Floats, label_N: Floats, measure: Ruler
) -> dict[str, Any] | None:
    given = answers.columns.get("answer", ("",) * len(answers.texts))
    wanted = ["" if one is None or np.ndim(one) else str(one).strip() for one in given]
    honest = honest_of(value_N, label_N, answers.texts, wanted)

    def again(probes: Answers) -> Judged:
        return judge(node, measure.measured(probes), asked.share, asked.owner)

    return probe(again, answers, wanted, value_N, honest)
