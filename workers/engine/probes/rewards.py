"""Rewards: the value of a few sample completions; of one completion at many lengths, where length changes the value."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from workers.contract.answers import Answers
from workers.contract.kinds import KINDS
from workers.contract.rewardnode import LEAF
from workers.contract.values import as_values
from workers.engine.facilities import Facilities
from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers
from workers.engine.probes.samples import NUMBERS, RIGHT, samples_for

LONGEST = 96
OUTSIDE = ("chats", "service", "reward_model", "likelihood")  # a figure asks no server and loads no model


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """A line over lengths when the value depends on the length in tokens, else bars over sample completions.

    ValueError where the values would have to come from a model or a server.
    """
    samples = samples_for(params)
    if samples is NUMBERS:
        lengths = range(LONGEST + 1)
        same = replace(samples, texts=(RIGHT,) * len(lengths))
        by_length = _values(loaded, params, same.answers(lengths, _column(params)))
        if len(set(by_length)) > 1:
            series = [Series(loaded.method.card.title, list(lengths), by_length)]
            return Figure("Reward by length", "lines", Axis("length", "tokens"), Axis("reward"), series)
    values = _values(loaded, params, samples.answers([len(text) for text in samples.texts], _column(params)))
    series = [Series(loaded.method.card.title, [text or "(empty)" for text in samples.texts], values)]
    return Figure("Reward of sample completions", "bars", Axis("completion"), Axis("reward"), series, samples.note)


def _column(params: Mapping[str, object]) -> str:
    return str(params.get("column", "answer"))


def _values(loaded: Loaded, params: Mapping[str, object], answers: Answers) -> list[float | None]:
    needs = loaded.method.needs
    facilities = Facilities(steps=10)
    try:
        supplied = facilities.supply(tuple(name for name in needs if name not in OUTSIDE), loaded.method.address, 1)
        supplied |= {name: _absent(name) for name in needs if name in OUTSIDE}
        supplied |= {"answers": answers, "groups": answers.group_numbers()}
        return numbers(as_values(call(loaded, supplied, params)).total)
    finally:
        facilities.close()


def _absent(name: str) -> Callable[..., Any]:
    words = dict(KINDS[LEAF].asked)[name]

    def ask(*_: Any, **__: Any) -> Any:
        raise ValueError(f"There is no figure: the values come from {words}. Try the reward on samples instead.")

    return ask
