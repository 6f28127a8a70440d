"""Calibration by phrases: the catalogue's numbers."""

import pytest

from tests.workers.combining.told import dense, told
from workers.combining.rpr_calibrated import combine


def test_by_hand() -> None:
    made = combine([told(0.30, 0.60, 0.49, 0.55, 0.5), told(0.25, 1.0, 1.0, 1.0, 1.0)])
    assert list(made.total) == pytest.approx([0.325, 0.60, 0.59, 0.55, 0.5])


def test_the_step_at_the_threshold_inverts_an_order() -> None:
    low, high = combine([told(0.49, 0.55), told(1.0, 1.0)]).total
    assert low is not None
    assert high is not None
    assert low > high


def test_it_ends_at_one() -> None:
    assert list(combine([told(0.4), told(1.0)], rm_weight=0.8).total) == [1.0]
    assert list(combine([told(0.4), told(1.0)], tau=0.4).total) == [0.4]


def test_what_does_not_apply_and_what_is_dense() -> None:
    made = combine([dense((0.1, 0.2), (0.0, 0.1)), told(1.0, None)])
    assert list(made.total) == pytest.approx([0.4, 0.1])
    assert [span.value for span in made.dense(0)] == [0.1, 0.2]
    assert list(combine([told(None), told(1.0)]).total) == [None]


def test_it_has_two_parts() -> None:
    with pytest.raises(ValueError, match="phrases"):
        combine([told(1.0)])
