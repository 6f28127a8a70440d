"""Repetition: by hand, and the numbers that the catalogue gives for the share of repeats (rep-n = 1 - ours)."""

from typing import Any

import pytest

from tests.workers.scored import scored

LOOP = "the cat sat . a dog ran . a dog ran . a dog ran . end it ."


@pytest.mark.parametrize(("n", "repeats"), [(1, 0.526316), (2, 0.444444), (4, 0.375000)])
def test_the_catalogues_loop(n: int, repeats: float) -> None:
    assert scored("repetition", [LOOP], n=n) == [pytest.approx(1 - repeats, abs=1e-6)]


@pytest.mark.parametrize(
    ("text", "params", "value"),
    [
        ("a b c d", {"n": 1}, 1.0),
        ("a a a a", {"n": 1}, 0.25),
        ("a a a a", {"n": 2}, 1 / 3),
        ("a b", {}, 1.0),  # fewer words than n
        ("", {}, 1.0),
        ("abab", {"n": 2, "unit": "characters"}, 2 / 3),  # ab, ba, ab
        ("abab", {"n": 2}, 1.0),
    ],
)
def test_by_hand(text: str, params: dict[str, Any], value: float) -> None:
    assert scored("repetition", [text], **params) == [pytest.approx(value)]
