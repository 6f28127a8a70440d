"""Clip, by hand."""

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.clip import combine


def test_values_stay_within_the_bounds() -> None:
    assert list(combine([told(0.5, None, 7.0, -3.0, 1.0)]).total) == [0.5, None, 1.0, 0.0, 1.0]
    assert list(combine([told(0.5, -9.0)], low=-1.0, high=-0.5).total) == [-0.5, -1.0]


def test_places_shrink_with_what_is_pulled_towards_nothing() -> None:
    made = combine([dense((0.25, 0.5), (1.0, 3.0), (-1.0, -2.0))])
    assert list(made.total) == [0.75, 1.0, 0.0]
    assert [[span.value for span in made.dense(n)] for n in range(3)] == [[0.25, 0.5], [0.25, 0.75], [0.0, 0.0]]


def test_what_is_added_has_no_place() -> None:
    made = combine([dense((0.125, 0.125), (-1.0,), (1.0, -1.0))], low=0.5)
    assert list(made.total) == [0.5, 0.5, 0.5]
    assert [made.dense(n) for n in range(3)] == [(), (), ()]


def test_bounds_that_cross_and_other_numbers_of_parts_are_refused() -> None:
    with pytest.raises(ValueError, match="lower bound 2 is above"):
        combine([told(1.0)], low=2.0)
    with pytest.raises(ValueError, match="one part"):
        combine([told(1.0), told(1.0)])
