"""Brevity: by hand along the ramp."""

from typing import Any

import pytest

from tests.workers.scored import scored


@pytest.mark.parametrize(
    ("length", "params", "value"),
    [
        (0, {}, 1.0),
        (12, {}, 0.75),  # (48 - 12) / 48
        (48, {}, 0.0),
        (9000, {}, 0.0),
        (10, {"full_until": 10, "zero_from": 30}, 1.0),
        (15, {"full_until": 10, "zero_from": 30}, 0.75),  # (30 - 15) / 20
        (30, {"full_until": 10, "zero_from": 30}, 0.0),
        (10, {"full_until": 10, "zero_from": 10}, 1.0),  # a step
        (11, {"full_until": 10, "zero_from": 10}, 0.0),
        (11, {"full_until": 10, "zero_from": 5}, 0.0),
    ],
)
def test_by_hand(length: int, params: dict[str, Any], value: float) -> None:
    assert scored("brevity", ["x"], lengths=[length], **params) == [pytest.approx(value)]


def test_longer_never_earns_more_and_the_text_does_not_matter() -> None:
    found = scored("brevity", ["y" * n for n in range(60)], lengths=range(60), full_until=7, zero_from=31)
    numbers = [value for value in found if value is not None]
    assert len(numbers) == 60
    assert numbers == sorted(numbers, reverse=True)
    assert len(set(numbers)) == 25  # 1, 23 steps of the ramp, and 0
