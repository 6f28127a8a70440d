"""Rewards: the value of a few sample completions; of one completion at many lengths, where length changes the value."""

from collections.abc import Mapping, Sequence

import torch

from workers.contract.answers import FINISHED, Answers
from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers
from workers.engine.tensors import Progress

PROMPT, ANSWER = "12+35-8=", "39"
RIGHT = "12+35=47;47-8=39#39"
SAMPLES = (
    RIGHT,
    "#39",
    "# 39 ",
    "#41",
    "39",
    "A: 39.0",
    r"\boxed{\frac{78}{2}}",
    "The answer is $39 a day.",
    "so it is, so it is, so it is, so it is, so it is #39",
    "<think>12+35=47</think><answer>39</answer>",
    '{"answer": 39}',
    "",
)
LONGEST = 96


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """A line over lengths when the value depends on the length in tokens, else bars over sample completions."""
    lengths = range(LONGEST + 1)
    by_length = _values(loaded, params, [RIGHT] * len(lengths), lengths)
    if len(set(by_length)) > 1:
        series = [Series(loaded.method.card.title, list(lengths), by_length)]
        return Figure("Reward by length", "lines", Axis("length", "tokens"), Axis("reward"), series)
    values = _values(loaded, params, SAMPLES, [len(text) for text in SAMPLES])
    series = [Series(loaded.method.card.title, [text or "(empty)" for text in SAMPLES], values)]
    note = f"Sample answers to {PROMPT}, whose reference answer is {ANSWER}."
    return Figure("Reward of sample completions", "bars", Axis("completion"), Axis("reward"), series, note)


def _values(
    loaded: Loaded, params: Mapping[str, object], texts: Sequence[str], lengths: Sequence[int]
) -> list[float | None]:
    count = len(texts)
    answers = Answers(
        texts=tuple(texts),
        prompts=(PROMPT,) * count,
        lengths=tuple(lengths),
        ends=(FINISHED,) * count,
        columns={str(params.get("column", "answer")): (ANSWER,) * count},
        verdicts=tuple(float(text.rpartition("#")[2].strip() == ANSWER and "#" in text) for text in texts),
    )
    supplied = {
        "answers": answers,
        "groups": answers.group_numbers(),
        "progress": Progress(1, 10),
        "generator": torch.Generator().manual_seed(0),
    }
    return numbers(call(loaded, supplied, params))
