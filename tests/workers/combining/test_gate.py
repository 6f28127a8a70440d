"""Gate, by hand."""

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.gate import combine


def test_what_is_earned_counts_where_the_gate_is_open() -> None:
    made = combine([told(1.0, 0.99, None, 1.0, 2.0), told(5.0, 5.0, 5.0, None, -3.0)], threshold=1.0)
    assert list(made.total) == [5.0, 0.0, None, None, -3.0]


def test_a_closed_gate_takes_the_places_too() -> None:
    made = combine([told(1.0, 0.0), dense((1.0, 2.0), (3.0, 4.0))])
    assert [len(made.dense(n)) for n in range(2)] == [2, 0]


def test_it_has_two_parts() -> None:
    with pytest.raises(ValueError, match="two parts"):
        combine([told(1.0)])
