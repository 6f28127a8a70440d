"""Shaping: a reward before and after, over the length of the completion and over its own value."""

from collections.abc import Mapping

import torch

from workers.contract.answers import CUT_OFF, FINISHED, Answers
from workers.engine.load import Loaded, call
from workers.engine.probes.figure import Axis, Figure, Series, numbers, places
from workers.engine.tensors import Progress, Shaped

LONGEST, COLUMNS = 64, 16
REWARDS = (0.0, 0.5, 1.0)


def figure(loaded: Loaded, params: Mapping[str, object]) -> Figure:
    """Three lines over length: rewards of 0, 0.5 and 1 after shaping, all in one batch, for some look at the others."""
    lengths = tuple(range(1, LONGEST + 1))
    count = len(REWARDS) * LONGEST
    value_NK = torch.tensor(REWARDS).repeat_interleave(LONGEST)[:, None].repeat(1, COLUMNS)
    supplied = {
        "value_NK": value_NK,
        "valid_NK": torch.ones(count, COLUMNS, dtype=torch.bool),
        "answers": _answers(lengths * len(REWARDS)),
        "most_tokens": LONGEST,
        "progress": Progress(1, 10),
        "memory": {},
        "ref_values": lambda most: torch.linspace(0, 1, most).expand(count, COLUMNS, most),
    }
    made: Shaped = call(loaded, supplied, params)
    # A method may change one reward of several: the one that it changes most is shown.
    changed = int((made.value_NK - value_NK).abs().sum(dim=0).argmax())
    lines = zip(REWARDS, torch.split(made.value_NK[:, changed], LONGEST), strict=True)
    series = [Series(f"reward {reward:g}", places(lengths), numbers(value_N)) for reward, value_N in lines]
    note = f"The longest completion allowed has {LONGEST} tokens; the one that reaches it was cut off."
    return Figure("Reward after shaping", "lines", Axis("length", "tokens"), Axis("reward"), series, note)


def _answers(lengths: tuple[int, ...]) -> Answers:
    ends = tuple(CUT_OFF if length == LONGEST else FINISHED for length in lengths)
    return Answers(("x",) * len(lengths), ("?",) * len(lengths), lengths, ends)
