"""Sum, by hand."""

from tests.workers.combining.told import dense, told
from workers.combining.sum import combine


def test_parts_are_added_and_what_does_not_apply_is_left_out() -> None:
    made = combine([told(1.0, None, None, -2.0), told(0.5, 0.25, None, 2.0)])
    assert list(made.total) == [1.5, 0.25, None, 0.0]


def test_what_is_dense_stays_where_it_is() -> None:
    made = combine([dense((1.0, 2.0), (0.0, 0.5)), told(10.0, None)])
    assert list(made.total) == [13.0, 0.5]
    assert [(span.start, span.value) for span in made.dense(0)] == [(0, 1.0), (1, 2.0)]
