"""What stands between tags: as a lazy pattern finds it, and in one pass."""

import random
import re
import time
from collections.abc import Callable

import pytest

from tests.workers.scored import scored
from workers.contract.tagged import first_inside, without


def test_as_a_pattern_finds_it() -> None:
    draw, pieces = random.Random(1), ("<t>", "</t>", "a", "\n", "<t", "/t>")
    for _ in range(2000):
        text = "".join(draw.choices(pieces, k=draw.randrange(9)))
        found = re.search("<t>(.*?)</t>", text, re.DOTALL)
        assert first_inside(text, "t") == (found[1] if found else None)
        assert without(text, "t") == re.sub("<t>.*?</t>", "", text, flags=re.DOTALL)


@pytest.mark.parametrize(
    "read",
    [
        lambda: first_inside("<t>" * 60_000, "t"),
        lambda: without("<t>" * 60_000, "t"),
        lambda: scored("toolrl", ["<tool_call>" * 30_000], columns={"calls": [[{"name": "a"}]]}, length_bonus="fixed"),
        *(
            lambda text=text: scored("mm_r5", [text], columns={"relevant": [[1]], "candidates": [3]})
            for text in ("<think>" * 40_000, "<think></think>" * 20_000, "<answer>[" * 30_000)
        ),
        lambda: scored("judge_agreement", ["<think>" * 40_000], columns={"consensus": [{"a": 1, "b": 2}]}),
    ],
)
def test_tags_that_are_never_closed_keep_nobody_busy(read: Callable[[], object]) -> None:
    """Each of them would take minutes if the text were read on from every tag."""
    began = time.monotonic()
    read()
    assert time.monotonic() - began < 5
