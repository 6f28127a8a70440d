"""Tool calls scored part by part (ToolRL): the output's form, then names, parameter names and parameter values.

Pick it for tasks whose answer is a list of calls: a nearly right call earns nearly all, so that groups differ long
before the first call is fully right. Reference calls stand in a column, as a list or as one JSON object a line. The
paper finds the length bonus not helpful.

Doubts of the catalogue: in the smooth schedule the release lets the format's minimum rise only to -1; the paper's text
was not compared. Calls without parameters: two empty lists of names count as equal.
"""

import json
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from workers.contract.answers import Answers
from workers.contract.card import Card, Choice, Exhibit, Real, Source, Text
from workers.contract.tagged import first_inside
from workers.contract.values import Values
from workers.engine.tensors import Progress

CARD = Card(
    title="ToolRL",
    formula=r"r_i = R_{fmt} + c\left(\frac{2 S}{S_{max}} - 1\right),\quad "
    r"S = J(\text{names}) + \sum_{g} \max_{p} \left( J(\text{keys}) + |\{k : p_k = g_k\}| \right)",
    source=Source(
        "Qian et al., 2025", "ToolRL: Reward is All Tool Learning Needs", "qiancheng0/ToolRL @8cee13e, rlla.py"
    ),
    symbols={
        "R_{fmt}": "1 where the output has the form that the reference calls for, else 0",
        "c": "bound of the correctness part",
        "S": "points earned by the calls",
        "S_{max}": "points of the reference calls",
        "J": "multiset intersection over union",
        "g": "a call of the reference",
        "p": "a printed call of the same name that is not yet used",
    },
    relatives=("rewards/format", "tasks/tool_use"),
    bounds=(-7.0, 8.0),
    exhibit=Exhibit(
        claim="Three calls at once are more than the model was taught. Paid for the form and for exactness alone (what "
        "the coarse comparison pays), most groups are without signal. Points for names, parameters and values tell "
        "nearly right from wrong: answers come closer to the reference's, and in time more of them are exactly right.",
        watch=("heldout/likeness", "dead_groups", "heldout/accuracy"),
        better="lower",
        shared={
            "model.name": "starter-skills",
            "prompts.task": {"kind": "tasks", "name": "tool_use", "params": {"level": 4}},
            "max_new_tokens": 128,
            "batch_prompts": 8,
            "optimiser.learning_rate": 2e-4,
            "budget.steps": 18,
            "budget.eval_every": 3,
            "rewards": [
                {"label": "exact", "name": "verified", "weight": 0.0},
                {"label": "likeness", "name": "similarity", "params": {"marker": "<tool_call>"}, "weight": 0.0},
                {"label": "learned from", "name": "toolrl"},
            ],
        },
        baseline={
            "rewards.0.weight": 6.0,
            "rewards.2.name": "format",
            "rewards.2.params": {"pattern": r"<think>.*?</think>\n<tool_call>\n.*?\n</tool_call>"},
        },
        found="It appears in part. Answers are closer to the reference's, likeness 0.616 against 0.508 (mean of the "
        "last five points), difference +0.108 [+0.064, +0.152] over three seeds of 18 steps; without signal are "
        "0.158 of the groups against 0.750, -0.592 [-0.827, -0.356]. Exactly right is no answer of either yet.",
    ),
)
FORMS = {
    (True, False): r"<think>.*?</think>\n<tool_call>\n.*?\n</tool_call>",
    (False, True): r"<think>.*?</think>\n<response>.*?</response>",
    (True, True): r"<think>.*?</think>\n<tool_call>\n.*?\n</tool_call>\n<response>.*?</response>",
    (False, False): r"<think>.*?</think>",
}
Call = Mapping[str, Any]


def reward(
    answers: Answers,
    progress: Progress,
    *,
    column: Annotated[str, Text(80), "column of the reference calls"] = "calls",
    cor_max: Annotated[float, Real(1, 5), "bound of the correctness part"] = 3.0,
    granularity: Annotated[str, Choice(("fine", "intermediate", "coarse")), "how calls are compared"] = "fine",
    name_match: Annotated[str, Choice(("jaccard", "strict")), "how lists of names are compared"] = "jaccard",
    scale_schedule: Annotated[str, Choice(("none", "two_stage", "smooth")), "change of scales over the run"] = "none",
    length_bonus: Annotated[str, Choice(("off", "fixed", "dynamic")), "reward for longer thinking"] = "off",
) -> Values:
    """The sum, with its parts `format`, `correctness` and `length`. Rows of the column `response` that are true want a
    response beside the calls. ValueError for reference calls that cannot be read."""
    strict = name_match == "strict"
    responses = answers.columns.get("response", (False,) * len(answers.texts))
    rows = []
    for text, given, response in zip(answers.texts, answers.column(column), responses, strict=True):
        wanted = _calls(given)
        if wanted is None:
            raise ValueError(f"the column {column!r} has no list of calls (name, parameters): {given!r:.200}")
        well = _has_form(text, bool(wanted), bool(response))
        share = _share(wanted, text, granularity, strict=strict)
        fmt, cor = _scaled(well, share, progress.step, cor_max, scale_schedule)
        rows.append((fmt, cor, _bonus(text, progress.step, length_bonus)))
    names = ("format", "correctness", "length") if length_bonus != "off" else ("format", "correctness")
    return Values([sum(row) for row in rows], {name: [row[k] for row in rows] for k, name in enumerate(names)})


def _scaled(well: bool, share: float | None, step: int, cor_max: float, schedule: str) -> tuple[float, float]:
    """Format and correctness on their scales at a step; where no call is wanted, correctness is 0."""
    points = 0.5 if share is None else share
    if schedule == "smooth":
        done = min(1.0, step / 150)
        bound = 2.0 + (cor_max - 2.0) * done
        return (2.0 - done if well else min(-1.0, -2.0 + step / 75)), bound * (2 * points - 1)
    fmt, cor = float(well), cor_max * (2 * points - 1)
    if schedule == "two_stage":
        return (fmt, cor / 3) if step < 30 else (fmt / 2, cor)
    return fmt, cor


def _has_form(text: str, calls: bool, response: bool) -> bool:
    tags = ["think"] + ["tool_call"] * calls + ["response"] * response
    once = all(text.count(f"<{tag}>") == 1 and text.count(f"</{tag}>") == 1 for tag in tags)
    return once and re.fullmatch(FORMS[calls, response], text, re.DOTALL) is not None


def _share(wanted: Sequence[Call], text: str, granularity: str, *, strict: bool) -> float | None:
    """Points earned over points to be had, 0 where nothing can be read; None where no call is wanted."""
    if not wanted:
        return None
    inside = first_inside(text, "tool_call")
    printed = None if inside is None else _calls(inside)
    if printed is None:
        return 0.0
    if granularity == "coarse" or list(printed) == list(wanted):
        return float(list(printed) == list(wanted))
    points = _alike([call["name"] for call in wanted], [call["name"] for call in printed], strict=strict)
    unused = list(printed)
    for goal in wanted:
        scores = [_points(goal, call, granularity, strict=strict) for call in unused]
        if scores and max(scores) > 0:
            points += max(scores)
            unused.pop(scores.index(max(scores)))
    each = [1 if granularity == "intermediate" else 1 + len(goal["parameters"]) for goal in wanted]
    return points / (1 + sum(each))


def _points(goal: Call, call: Call, granularity: str, *, strict: bool) -> float:
    if goal["name"] != call["name"]:
        return 0.0
    if granularity == "intermediate":
        return float(goal == call)
    wanted, printed = goal["parameters"], call["parameters"]
    right = sum(name in printed and printed[name] == value for name, value in wanted.items())
    return _alike(list(wanted), list(printed), strict=strict) + float(right)


def _alike(first: list[str], second: list[str], *, strict: bool) -> float:
    if first == second:
        return 1.0
    if strict or not first or not second:
        return 0.0
    both = (Counter(first) & Counter(second)).total()
    return both / (len(first) + len(second) - both)


def _calls(given: Any) -> list[Call] | None:
    """A list of calls, as JSON values or as text (one object a line, or one list); None for what is neither."""
    rows = _read(given) if isinstance(given, str) else given
    if not isinstance(rows, list | tuple) or not all(map(_is_call, rows)):
        return None
    return [{"name": row["name"], "parameters": row.get("parameters") or {}} for row in rows]


def _read(text: str) -> Any:
    try:
        rows = [json.loads(line) for line in text.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return None
    return rows[0] if len(rows) == 1 and isinstance(rows[0], list) else rows


def _is_call(row: object) -> bool:
    if not isinstance(row, Mapping):
        return False
    return isinstance(row.get("name"), str) and isinstance(row.get("parameters") or {}, Mapping)


def _bonus(text: str, step: int, length_bonus: str) -> float:
    if length_bonus == "off":
        return 0.0
    words = len((first_inside(text, "think") or "").split())
    full = 512 if length_bonus == "fixed" else 384 + (640 - 384) * min(step, 105) / 105
    return min(1.0, round(words / full, 2))
