"""Schedule, by hand."""

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.schedule import combine
from workers.engine.tensors import Progress


def weights(**params: float) -> list[float | None]:
    """The weight at each of eight steps: what a part of 1 is worth."""
    return [combine([told(1.0)], Progress(step, 8), **params).total[0] for step in range(1, 9)]


def test_the_weight_moves_along_a_line() -> None:
    assert weights() == [0.0, 0.25, 0.5, 0.75, 1.0, 1.0, 1.0, 1.0]
    assert weights(start=2.0, end=0.0, until=1.0) == [2.0, 1.75, 1.5, 1.25, 1.0, 0.75, 0.5, 0.25]
    assert weights(begin=0.25, until=0.75) == [0.0, 0.0, 0.0, 0.25, 0.5, 0.75, 1.0, 1.0]


def test_it_jumps_where_it_has_no_time() -> None:
    assert weights(begin=0.5, until=0.5) == [0.0] * 4 + [1.0] * 4
    assert weights(begin=0.0, until=0.0, start=5.0) == [1.0] * 8


def test_a_weight_of_nothing_still_applies_and_places_go_with_it() -> None:
    made = combine([told(3.0, None)], Progress(1, 8))
    assert list(made.total) == [0.0, None]
    places = combine([dense((1.0, 2.0))], Progress(3, 8))
    assert list(places.total) == [1.5]
    assert [(span.start, span.value) for span in places.dense(0)] == [(0, 0.5), (1, 1.0)]


def test_it_has_one_part() -> None:
    with pytest.raises(ValueError, match="one part"):
        combine([], Progress(1, 8))
