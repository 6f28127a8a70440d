"""Call the right tool with the right arguments: `<think>…</think>`, then one JSON object a line in `<tool_call>` tags.

Six small tools, requests written from templates, names and values verified. A careful solution says what it will do and
calls; a careless one forgets a call or mixes up a value. Of the two starters `starter-skills` knows this task.
"""

import json
import random
from collections.abc import Mapping
from typing import Annotated, Any

from workers.contract.answers import Problem
from workers.contract.card import Card, Source, Whole
from workers.contract.tagged import first_inside

CARD = Card(
    title="Tool use",
    formula=r"\{(\text{name}_j, \text{arguments}_j)\}_{j=1}^{m}",
    source=Source("Merit", "built-in task, after the tool calls of ToolRL"),
    symbols={"m": "how many calls the request needs: one, one, two or three"},
    relatives=("rewards/toolrl", "tasks/arithmetic"),
)
CITIES, UNITS, DAYS, PEOPLE = ("Paris", "Rome", "Oslo", "Lima"), ("C", "F"), ("Mon", "Tue", "Fri"), ("Ann", "Bo", "Eve")
# Name, arguments with their possible values, and how somebody asks for it.
TOOLS: tuple[tuple[str, dict[str, tuple[Any, ...]], str], ...] = (
    ("add", {"a": tuple(range(1, 30)), "b": tuple(range(1, 30))}, "add {a} and {b}"),
    ("timer", {"min": tuple(range(1, 60))}, "wake me in {min} minutes"),
    ("weather", {"city": CITIES, "unit": UNITS}, "the weather in {city} in {unit}"),
    ("mail", {"to": PEOPLE, "day": DAYS}, "write to {to} about {day}"),
    ("book", {"city": CITIES, "day": DAYS, "seats": tuple(range(1, 10))}, "{seats} seats to {city} on {day}"),
    ("square", {"n": tuple(range(2, 100))}, "the square of {n}"),
)
KNOWN_AND_CALLS = {1: (2, 1), 2: (6, 1), 3: (6, 2), 4: (6, 3)}
CARELESS_RIGHT = 0.25


def problem(
    rng: random.Random,
    *,
    level: Annotated[
        int, Whole(1, 4), "how many tools are known, and calls needed: 2 and 1, 6 and 1, 6 and 2, 6 and 3"
    ] = 1,
) -> Problem:
    """A prompt with the tools' signatures and a request. Its answer is the calls, one JSON object a line; the column
    `calls` has them as values."""
    known, count = KNOWN_AND_CALLS[level]
    calls: list[dict[str, Any]] = []
    words = []
    for name, arguments, asks in rng.sample(TOOLS[:known], count):
        values = {argument: rng.choice(options) for argument, options in arguments.items()}
        calls.append({"name": name, "parameters": values})
        words.append(asks.format(**values))
    signatures = " ".join(f"{name}({','.join(arguments)})" for name, arguments, _ in TOOLS[:known])
    answer = "\n".join(map(json.dumps, calls))
    demonstration = _written("; ".join(str(call["name"]) for call in calls), answer)
    columns = {"level": level, "calls": calls, "demonstration": demonstration, "hints": _hints(demonstration)}
    return Problem(f"{signatures}\n{'; '.join(words)}\n", answer, columns)


def verify(text: str, problem: Problem) -> float:
    """1.0 when the first `<tool_call>` holds exactly the wanted calls, in any order; else 0.0."""
    found = first_inside(text, "tool_call")
    if found is None:
        return 0.0
    try:
        calls = [json.loads(line) for line in found.split("\n") if line.strip()]
    except (ValueError, RecursionError):
        return 0.0
    return float(all(isinstance(call, dict) for call in calls) and _sorted(calls) == _sorted(problem.columns["calls"]))


def solution(rng: random.Random, problem: Problem, *, careful: bool) -> str:
    """A completion as a careful or a careless writer would give it; the careless is right once in four times."""
    if careful or rng.random() < CARELESS_RIGHT:
        return str(problem.columns["demonstration"])
    calls = [{**call, "parameters": dict(call["parameters"])} for call in problem.columns["calls"]]
    if len(calls) > 1 and rng.random() < 0.5:
        calls.pop()
    else:
        spoilt = rng.choice(calls)["parameters"]
        name = rng.choice(sorted(spoilt))
        spoilt[name] = spoilt[name] + 1 if isinstance(spoilt[name], int) else "?"
    return _written("", "\n".join(map(json.dumps, calls)))


def _written(thought: str, calls: str) -> str:
    return f"<think>{thought}</think>\n<tool_call>\n{calls}\n</tool_call>"


def _hints(demonstration: str) -> list[str]:
    """Beginnings of the demonstration: the thought, and then a line more each time."""
    lines = demonstration.splitlines(keepends=True)
    return ["".join(lines[:count]) for count in range(1, len(lines))]


def _sorted(calls: list[Mapping[str, Any]]) -> list[str]:
    return sorted(json.dumps(call, sort_keys=True) for call in calls)
