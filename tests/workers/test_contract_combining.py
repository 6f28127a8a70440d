"""What every combination promises, tried on awkward parts over the whole catalogue."""

from collections.abc import Callable, Sequence
from copy import deepcopy
from math import isfinite
from typing import Any

import pytest
import torch

from tests.workers.stage import departs, names, variants
from workers.contract.answers import FINISHED, Answers
from workers.contract.rewardtree import parts_of
from workers.contract.values import Span, Values, as_values
from workers.engine.load import call, load
from workers.engine.tensors import Progress

KIND = "combining"
EVERY = pytest.mark.parametrize(("name", "params"), variants(KIND))
ORDER, ALIKE = "order does not matter", "same answer, same reward"
# What three parts say of eight completions. 1 and 2 are equal; nothing applies to 7; a part fails to apply to 3, 4, 5.
TOTALS: tuple[tuple[float | None, ...], ...] = (
    (1.0, 0.5, 0.5, None, 0.25, 0.0, -1e6, None),
    (0.3, 0.7, 0.7, 0.1, None, 1.0, 1e6, None),
    (1.0, 0.0, 0.0, 1.0, 1.0, None, 1e-9, None),
)
GROUPS = (0, 1, 1, 0, 0, 1, 2, 2)
LETTERS = 12  # of every text
TOKENS = (12, 9, 9, 4, 3, 6, 1, 12)
# The second part is dense: some of 0, all of 5 (twice over), and something of 7, where it does not apply.
SPANS = {
    0: (Span(0, 4, 0.1), Span(6, 12, 0.1)),
    1: (Span(3, 4, 0.7),),
    2: (Span(3, 4, 0.7),),
    5: (Span(0, 12, 2.0),),
    7: (Span(0, 1, 0.5),),
}
Rows = Sequence[int]
ALL: Rows = range(len(GROUPS))


def parts(count: int, rows: Rows) -> list[Values]:
    """The first parts, or the last when there is only one: what they say of some completions, in that order."""
    made = []
    for index in [1] if count == 1 else range(count):
        spans = {place: SPANS[n] for place, n in enumerate(rows) if n in SPANS} if index == 1 else {}
        made.append(Values([TOTALS[index][n] for n in rows], spans=spans))
    return made


def combined(name: str, params: dict[str, object], rows: Rows = ALL) -> Values:
    """What the combination makes of as many parts as it wants, two where it takes any number."""
    loaded = load(KIND, name)
    least, most = parts_of(loaded.method.card.compose)
    count = len(rows)
    supplied: dict[str, Any] = {
        "parts": parts(max(least, 2) if most is None else most, rows),
        "answers": Answers(
            ("x" * LETTERS,) * count, ("?",) * count, tuple(TOKENS[n] for n in rows), (FINISHED,) * count
        ),
        "groups": tuple(GROUPS[n] for n in rows),
        "progress": Progress(3, 10),
        "generator": torch.Generator().manual_seed(0),
    }
    kept = deepcopy(supplied["parts"])
    made = as_values(call(loaded, supplied, params))
    assert supplied["parts"] == kept, f"{name} changed its parts"
    return made


def close(found: Sequence[float | None], wanted: Sequence[float | None]) -> bool:
    return [None if one is None else pytest.approx(one, abs=1e-9) for one in wanted] == list(found)


def _orderless(name: str, params: dict[str, object]) -> bool:
    order = (3, 1, 7, 0, 6, 5, 2, 4)
    plain, moved = combined(name, params), combined(name, params, order)
    same = close(moved.total, [plain.total[n] for n in order])
    return same and [moved.dense(place) for place in ALL] == [plain.dense(n) for n in order]


def _alike(name: str, params: dict[str, object]) -> bool:
    """The same values, whoever the neighbours are."""
    together = combined(name, params)
    return close([combined(name, params, [n]).total[0] for n in ALL], together.total)


@EVERY
def test_one_finite_number_or_none_a_completion(name: str, params: dict[str, object]) -> None:
    found = combined(name, params).total
    assert len(found) == len(ALL)
    assert all(value is None or (isinstance(value, int | float) and isfinite(value)) for value in found)
    assert any(value is not None for value in found)


@EVERY
def test_where_no_part_applies_nothing_does(name: str, params: dict[str, object]) -> None:
    found = combined(name, params)
    assert found.total[7] is None
    assert found.dense(7) == ()


@EVERY
def test_places_lie_within_the_completion_and_say_finite_numbers(name: str, params: dict[str, object]) -> None:
    for n in ALL:
        for span in combined(name, params).dense(n):
            assert isfinite(span.value)
            assert 0 <= span.start < span.end <= LETTERS
            assert span.unit == "letter"
            assert (span.start, span.end) in [(one.start, one.end) for one in SPANS[n]]


@EVERY
def test_the_order_does_not_matter(name: str, params: dict[str, object]) -> None:
    assert _orderless(name, params) or departs(load(KIND, name), ORDER)


@EVERY
def test_the_same_values_make_the_same_whoever_the_neighbours_are(name: str, params: dict[str, object]) -> None:
    assert _alike(name, params) or departs(load(KIND, name), ALIKE)


@pytest.mark.parametrize(("promise", "kept"), [(ORDER, _orderless), (ALIKE, _alike)])
def test_whoever_breaks_a_promise_on_purpose_does_break_it(
    promise: str, kept: Callable[[str, dict[str, object]], bool]
) -> None:
    for name in names(KIND):
        if departs(load(KIND, name), promise):
            assert not all(kept(name, params) for one, params in variants(KIND) if one == name), name


@EVERY
def test_the_same_twice_is_the_same(name: str, params: dict[str, object]) -> None:
    assert combined(name, params) == combined(name, params)


@EVERY
def test_no_completions_no_values(name: str, params: dict[str, object]) -> None:
    found = combined(name, params, ())
    assert list(found.total) == []
    assert not found.spans


@pytest.mark.parametrize("name", names(KIND))
def test_groups_are_for_those_who_say_so(name: str) -> None:
    """Who looks at groups, and nobody else, makes something else of a completion alone."""
    loaded = load(KIND, name)
    assert departs(loaded, ALIKE) <= loaded.needs("groups")


@pytest.mark.parametrize("name", names(KIND))
def test_it_can_be_written_down(name: str) -> None:
    assert load(KIND, name).method.card.compose
