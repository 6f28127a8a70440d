"""Similarity, by hand and against a plain loop."""

import random
from itertools import product
from typing import Any

import pytest

from tests.workers.scored import scored


@pytest.mark.parametrize(
    ("text", "reference", "params", "value"),
    [
        # kitten, sitting: the longest common subsequence `ittn` has 4 letters; 2 · 4 / (6 + 7).
        ("kitten", "sitting", {}, 8 / 13),
        ("Kitten", "kITTEN", {}, 1.0),
        ("Kitten", "kitten", {"ignore_case": False}, 10 / 12),
        ("hot", "not", {}, 4 / 6),
        (" two\n words ", "two words", {}, 1.0),
        ("b a", "a b", {"measure": "sorted words"}, 1.0),
        ("b a", "a b", {}, 2 / 6),
        ("a b b c", "b c d", {"measure": "set of words"}, 2 / 4),
        ("think # kitten", "kitten", {"marker": "#"}, 1.0),
        ("kitten", "kitten", {"marker": "#"}, 0.0),
        ("abc", "xyz", {}, 0.0),
        ("39", 39, {}, 1.0),
        ("x", None, {}, None),
    ],
)
def test_by_hand(text: str, reference: Any, params: dict[str, Any], value: float | None) -> None:
    assert scored("similarity", [text], columns={"answer": [reference]}, **params) == [pytest.approx(value)]


@pytest.mark.parametrize("measure", ["letters", "sorted words", "set of words"])
def test_nothing_is_like_nothing_and_unlike_something(measure: str) -> None:
    columns = {"answer": ["", "a", ""]}
    assert scored("similarity", ["", "", "a"], columns=columns, measure=measure) == [1.0, 0.0, 0.0]


def test_letters_are_those_of_the_longest_common_subsequence() -> None:
    chance = random.Random(3)
    for _ in range(50):
        one, other = ("".join(chance.choices("abc", k=chance.randint(1, 12))) for _ in range(2))
        wanted = 2 * common(one, other) / (len(one) + len(other))
        assert scored("similarity", [one], columns={"answer": [other]}) == [pytest.approx(wanted)], (one, other)


def common(one: str, other: str) -> int:
    """The length of the longest common subsequence, from its recursion."""
    table = {(i, j): 0 for i in range(len(one) + 1) for j in range(len(other) + 1)}
    for i, j in product(range(1, len(one) + 1), range(1, len(other) + 1)):
        same = one[i - 1] == other[j - 1]
        table[i, j] = table[i - 1, j - 1] + 1 if same else max(table[i - 1, j], table[i, j - 1])
    return table[len(one), len(other)]
