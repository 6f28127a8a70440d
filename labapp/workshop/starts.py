"""Texts to start a reward in Python from: one for each way of writing one, and for each thing that one may give."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Start:
    """A text with its name and a few words on what it shows."""

    name: str
    about: str
    source: str


NUMBER = '''"""One number for each completion; None where the reward does not apply."""

import re


def reward(prompts, completions, answer, **columns):
    """1 where the last number of the completion is the answer, else 0.

    prompts, completions: lists of texts. answer: the list of right answers.
    columns: whatever else the prompts have, each a list as long as completions.
    """
    values = []
    for completion, right in zip(completions, answer):
        numbers = re.findall(r"-?\\d+(?:\\.\\d+)?", completion.replace(",", ""))
        wanted = str(right).replace(",", "").strip()
        values.append(1.0 if numbers and numbers[-1] == wanted else 0.0)
    return values
'''

PARTS = '''"""Several components: each becomes a curve. Without a part `reward` their sum is the value."""


def reward(completions, answer, log_metric=None, **columns):
    right = [float(str(wanted).strip() in completion) for completion, wanted in zip(completions, answer)]
    short = [max(0.0, 1 - len(completion) / 1000) for completion in completions]
    if log_metric is not None:
        log_metric("longest", max(map(len, completions)))
    return {"right": right, "short": [0.1 * value for value in short]}
'''

MIXED = '''"""Components: each a number, or values where they arise (parts of the text, lines, or a number a token)."""

import re

SUM = re.compile(r"(\\d+) *\\+ *(\\d+) *= *(\\d+)")


def one(completion, wanted):
    right = [found for found in SUM.finditer(completion) if int(found[1]) + int(found[2]) == int(found[3])]
    return {
        "right": float(str(wanted).strip() in completion[-20:]),  # at the end of the completion
        "sums": [{"start": found.start(), "end": found.end(), "value": 0.1} for found in right],  # where they stand
    }


def reward(completions, answer, **columns):
    """The value is the sum of both. A component `reward` would be the value in its place."""
    return [one(*pair) for pair in zip(completions, answer)]
'''

PLACES = '''"""Values where they arise: for letters `start` to `end` of the text, for the rest of it at its end."""

import re

HEDGES = re.compile(r"\\b(maybe|perhaps|I think)\\b", re.IGNORECASE)


def reward(completions, **columns):
    """Every hedge costs a quarter, at its place."""
    return [
        [{"start": found.start(), "end": found.end(), "value": -0.25} for found in HEDGES.finditer(completion)]
        for completion in completions
    ]
'''

STEPS = '''"""Values of steps: a step is a line of the text, counted from 0."""

import re

SUM = re.compile(r"(\\d+) *\\+ *(\\d+) *= *(\\d+)")


def reward(completions, **columns):
    """Every line with a sum earns 1 where the sum is right, and costs 1 where it is not."""
    values = []
    for completion in completions:
        steps = []
        for number, line in enumerate(completion.split("\\n")):
            for left, right, total in SUM.findall(line):
                steps.append({"step": number, "value": 1.0 if int(left) + int(right) == int(total) else -1.0})
        values.append(steps)
    return values
'''

SWIFT = '''"""As ms-swift's plugins are written: a class that is called with a batch."""

from typing import List

from swift.plugin import ORM, orms


class Right(ORM):
    def __call__(self, completions, answer, **kwargs) -> List[float]:
        """kwargs: the other columns, each a list as long as completions."""
        return [float(str(wanted).strip() in completion) for completion, wanted in zip(completions, answer)]


orms["right"] = Right
'''

VERL = '''"""As verl calls it: once for each sample. Numbers beside the score become curves."""


def compute_score(data_source, solution_str, ground_truth, extra_info=None):
    """ground_truth: the sample's answer. extra_info: a dict of its other columns."""
    said = solution_str.strip().rsplit(" ", 1)[-1].rstrip(".")
    return {"score": float(said == str(ground_truth)), "words": len(solution_str.split())}
'''

OPENRLHF = '''"""As OpenRLHF calls it: a batch of queries, each a prompt with its completion."""


def reward_func(queries, prompts, labels):
    """labels: the answers."""
    completions = [query[len(prompt):] for query, prompt in zip(queries, prompts)]
    right = [float(str(label) in completion) for completion, label in zip(completions, labels)]
    return {"rewards": right, "scores": right, "extra_logs": {"length": [len(text) for text in completions]}}
'''

ASYNC = '''"""An async function: it is awaited once a batch."""

import asyncio


async def one(completion, wanted):
    await asyncio.sleep(0)
    return float(str(wanted) in completion)


async def reward(completions, answer, **columns):
    return await asyncio.gather(*[one(*pair) for pair in zip(completions, answer)])
'''

STARTS = (
    Start("A number for each completion", "TRL and ms-swift", NUMBER),
    Start("Components", "TRL, a dict of lists", PARTS),
    Start("Components at places", "some where they arise", MIXED),
    Start("Values on parts of the text", "spans of letters", PLACES),
    Start("Values for each line", "steps", STEPS),
    Start("Async", "TRL, awaited", ASYNC),
    Start("A class", "ms-swift, ORM", SWIFT),
    Start("One sample at a time", "verl, compute_score", VERL),
    Start("Queries and labels", "OpenRLHF, reward_func", OPENRLHF),
)
