"""Scale, by hand."""

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.scale import combine


def test_values_and_places_are_multiplied() -> None:
    assert list(combine([told(1.0, None, -2.0)], factor=-0.5).total) == [-0.5, None, 1.0]
    made = combine([dense((1.0, 2.0))], factor=3.0)
    assert list(made.total) == [9.0]
    assert [(span.start, span.value) for span in made.dense(0)] == [(0, 3.0), (1, 6.0)]


def test_it_has_one_part() -> None:
    with pytest.raises(ValueError, match="one part"):
        combine([told(1.0), told(1.0)])
