"""Whether cheap texts earn as much as honest work, or more: probes scored, compared, and shown."""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from workers.contract.answers import CUT_OFF, FINISHED, Answers
from workers.engine.dryrun.components import CLOSE
from workers.engine.dryrun.honest import Honest
from workers.engine.dryrun.judging import Judged
from workers.engine.dryrun.probing import PROBES, origins
from workers.engine.dryrun.table import Floats, floats, number

BASES = 8  # honest samples from which each probe is made
SHOWN = 2_000  # letters of a probe's text that are told
BEATS, EQUALS, BELOW, FAILED, UNSCORED = "beats", "equals", "below", "failed", "unscored"


def probe(
    judge: Callable[[Answers], Judged], answers: Answers, wanted: Sequence[str], value_N: Floats, honest: Honest
) -> dict[str, Any] | None:
    """`{told_by, count, median, rows, seconds, error}` with a row for each kind of probe that can be made, see `_row`;
    None where no sample stands for honest work. A probe has the prompt and the columns of the sample that it is made
    from, and no verdict. All of them are scored together, apart from the samples."""
    if not honest.rows:
        return None
    made = [
        (name, row, text)
        for row, origin in origins(_spread(honest.rows), answers.prompts, answers.texts, wanted).items()
        for name, maker in PROBES.items()
        if (text := maker(origin)) is not None
    ]
    judged = judge(_as_answers(answers, made))
    honest_N = value_N[list(honest.rows)]
    totals = floats(judged.values.total)
    places = {name: [n for n, one in enumerate(made) if one[0] == name] for name in PROBES}
    rows = [
        _row(name, [made[n] for n in at], totals[at], [judged.values.faults.get(n, "") for n in at], honest_N)
        for name, at in places.items()
        if at
    ]  # fmt: skip
    return {
        "told_by": honest.told_by, "count": len(honest.rows), "median": float(np.median(honest_N)), "rows": rows,
        "seconds": judged.seconds, "error": judged.error,
    }  # fmt: skip


def _spread(rows: Sequence[int]) -> list[int]:
    """A few of them, evenly spread."""
    return (
        [rows[round(k * (len(rows) - 1) / max(1, BASES - 1))] for k in range(BASES)]
        if len(rows) > BASES
        else list(rows)
    )


def _as_answers(answers: Answers, made: Sequence[tuple[str, int, str]]) -> Answers:
    found = answers.rows([row for _, row, _ in made])
    texts = tuple(text for _, _, text in made)
    ends = tuple(CUT_OFF if name == "truncated" else FINISHED for name, _, _ in made)
    verdicts = (None,) * len(texts) if found.verdicts else ()
    return Answers(texts, found.prompts, tuple(map(len, texts)), ends, found.columns, verdicts)


def _row(
    name: str, made: Sequence[tuple[str, int, str]], value_N: Floats, faults: Sequence[str], honest_N: Floats
) -> dict[str, Any]:
    """{name, state, count, above, median, score, quantile, sample, text, letters, failed, fault}.

    `state`: the probe beats honest work (the median of its scores is above theirs), equals it, is below it, failed
    wherever it was scored, or was given no value. `above` counts its texts over the honest median; the text shown is
    the one with the highest `score`, `quantile` the share of honest samples below it, of equals half; `fault` is what
    its first failure said."""
    known = ~np.isnan(value_N)
    told = [fault for fault in faults if fault]
    best = int(np.nanargmax(value_N)) if known.any() else next((n for n, fault in enumerate(faults) if fault), 0)
    middle, score = float(np.median(honest_N)), value_N[best]
    slack = CLOSE * max(1.0, abs(middle))
    here = float(np.median(value_N[known])) if known.any() else np.nan
    state = BEATS if here > middle + slack else BELOW if here < middle - slack else EQUALS
    return {
        "name": name, "state": state if known.any() else FAILED if told else UNSCORED, "count": len(made),
        "above": int((value_N[known] > middle + slack).sum()), "median": number(here), "score": number(score),
        "quantile": float(((honest_N < score).mean() + (honest_N <= score).mean()) / 2) if known.any() else None,
        "sample": made[best][1], "text": made[best][2][:SHOWN], "letters": len(made[best][2]),
        "failed": len(told), "fault": told[0] if told else "",
    }  # fmt: skip
