"""Product, by hand."""

from tests.workers.combining.told import dense, told
from workers.combining.product import combine


def test_parts_are_multiplied_and_what_does_not_apply_is_left_out() -> None:
    made = combine([told(0.5, None, None, -2.0, 3.0), told(0.5, 0.25, None, -3.0, 0.0)])
    assert list(made.total) == [0.25, 0.25, None, 6.0, 0.0]


def test_places_of_the_only_dense_part_are_worth_what_the_others_say() -> None:
    made = combine([dense((1.0, 2.0), (3.0,)), told(0.5, None), told(-2.0, 0.5)])
    assert list(made.total) == [-3.0, 1.5]
    assert [(span.start, span.value) for span in made.dense(0)] == [(0, -1.0), (1, -2.0)]
    assert [span.value for span in made.dense(1)] == [1.5]


def test_of_two_dense_parts_neither_says_where_the_product_is_earned() -> None:
    made = combine([dense((1.0, 2.0), (1.0,)), dense((4.0,), ())])
    assert list(made.total) == [12.0, 0.0]
    assert made.dense(0) == ()
    assert [span.value for span in made.dense(1)] == [0.0]
