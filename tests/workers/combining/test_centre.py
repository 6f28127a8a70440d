"""Centre, by hand."""

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.centre import combine


def test_the_mean_of_those_to_whom_it_applies_is_taken_off() -> None:
    """Group 0 has 1, 2 and 6 with mean 3; group 1 is alone; group 2 has nothing."""
    made = combine([told(1.0, 5.0, 2.0, None, 6.0, None)], (0, 1, 0, 0, 0, 2))
    assert list(made.total) == [-2.0, 0.0, -1.0, None, 3.0, None]
    assert list(combine([told(1.0, 5.0, None)], (0, 1, 2), over="batch").total) == [-2.0, 2.0, None]


def test_places_stay_and_the_mean_is_left_for_the_end() -> None:
    made = combine([dense((1.0, 2.0), (1.0,))], (0, 0))
    assert list(made.total) == [1.0, -1.0]
    assert [span.value for span in made.dense(0)] == [1.0, 2.0]


def test_it_has_one_part() -> None:
    with pytest.raises(ValueError, match="one part"):
        combine([told(1.0), told(1.0)], (0,))
