"""Minimum, by hand."""

from tests.workers.combining.told import dense, told
from workers.combining.minimum import combine


def test_the_smallest_counts_and_what_does_not_apply_is_left_out() -> None:
    made = combine([told(1.0, None, None, -2.0), told(0.5, 0.25, None, 2.0), told(0.75, 9.0, None, -2.5)])
    assert list(made.total) == [0.5, 0.25, None, -2.5]


def test_places_are_those_of_the_part_that_decides() -> None:
    made = combine([dense((1.0, 2.0), (0.5,), (1.0,)), told(2.0, 2.0, 1.0)])
    assert list(made.total) == [2.0, 0.5, 1.0]
    assert [[span.value for span in made.dense(n)] for n in range(3)] == [[], [0.5], [1.0]]
