"""A reward service behind an address, asked in the form that OpenRLHF and other trainers use.

Pick it to use a reward that already runs somewhere, one of another lab's Merit included. Each post holds `query`
(prompt and completion together), `prompts` and `labels`; the answer's `rewards`, or else its `scores`, are the values.
A service that fails, gives another count or what is no number marks those completions as failed, never as 0.

No exhibit: what it does is what its service does.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Source, Text, Whole
from workers.contract.services import Service
from workers.contract.values import Values

CARD = Card(
    title="Remote reward",
    formula=r"r_i = f_{url}(x_i, y_i, g_i)",
    source=Source(
        "Hu et al., 2024",
        "OpenRLHF: An Easy-to-use, Scalable and High-performance RLHF Framework, arXiv:2405.11143",
        "remote reward models (--remote_rm_url)",
        "https://arxiv.org/abs/2405.11143",
    ),
    symbols={"x_i": "prompt", "y_i": "completion", "g_i": "label", "f_{url}": "the service"},
    relatives=("rewards/judge", "rewards/scored_by_model"),
    bounds=(-1e9, 1e9),
    doubts="Names and forms are those of OpenRLHF's client; other trainers' services may want others.",
)


def reward(
    answers: Answers,
    service: Service,
    *,
    url: Annotated[str, Text(300, address=True), "address to post to"] = "http://127.0.0.1:5000/get_reward",
    key_variable: Annotated[
        str, Text(80, empty=True, key=True), "variable of the worker that holds the service's key, MERIT_KEY_…"
    ] = "",
    column: Annotated[str, Text(80, empty=True), "column that is sent as labels, where there is one"] = "answer",
    together: Annotated[int, Whole(1, 4096), "completions in one post"] = 256,
) -> Values:
    """What the service says of each. Lists of as many numbers in its `extra_logs` are parts; what it has no value for
    has failed where its `faults` say so, and else does not apply."""
    count = len(answers.texts)
    labels = answers.columns.get(column, (None,) * count)
    total: list[float | None] = [None] * count
    parts: dict[str, list[float | None]] = {}
    faults: dict[int, str] = {}
    for start in range(0, count, together):
        chosen = range(start, min(count, start + together))
        body = {
            "query": [answers.prompts[n] + answers.texts[n] for n in chosen],
            "prompts": [answers.prompts[n] for n in chosen],
            "labels": [labels[n] for n in chosen],
        }
        answer, error = service(url, body, key_variable)
        given, what = ([], error) if error else _given(answer, len(chosen))
        if what:
            faults |= dict.fromkeys(chosen, what)
            continue
        for n, value in zip(chosen, given, strict=True):
            total[n] = _number(value)
            if total[n] is None and value is not None:
                faults[n] = f"the service {url} gave {value!r:.60}, which is no finite number"
        failed = _failed(answer)
        faults |= {n: failed[n - start] for n in chosen if total[n] is None and n - start in failed}
        for name, column_ in _parts(answer, len(chosen)).items():
            parts.setdefault(name, [None] * count)[start : chosen.stop] = column_
    return Values(total, parts, faults=faults)


def _given(answer: Mapping[str, Any], count: int) -> tuple[list[Any], str]:
    """The list of rewards, or what is wrong with it."""
    given = answer.get("rewards", answer.get("scores"))
    if not isinstance(given, list):
        return [], f"the service's answer has no list `rewards` or `scores`, but {', '.join(answer) or 'nothing'}"
    if len(given) != count:
        return [], f"the service gave {len(given)} rewards for {count} completions"
    return given, ""


def _number(value: Any) -> float | None:
    """A finite number; some services put each into a list of its own."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if not isinstance(value, int | float):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if isfinite(number) else None


def _failed(answer: Mapping[str, Any]) -> dict[int, str]:
    """Why the service has no value for some, by place, where it says so as Merit does: `faults`, {index, what} each."""
    given = answer.get("faults")
    told = [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []
    return {
        one["index"]: f"the service says: {one.get('what', '')!s:.300}"
        for one in told
        if isinstance(one.get("index"), int)
    }


def _parts(answer: Mapping[str, Any], count: int) -> dict[str, list[float | None]]:
    logs = answer.get("extra_logs")
    named = logs.items() if isinstance(logs, dict) else ()
    columns = {name: [_number(x) for x in given] for name, given in named if isinstance(given, list)}
    return {name: column for name, column in columns.items() if len(column) == count and None not in column}
